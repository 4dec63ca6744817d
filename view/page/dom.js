// Small helpers to build what is shown. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (["value", "checked", "indeterminate", "disabled", "selected"].includes(name)) {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(
    ...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** h("button", { class: "main", onclick: act }, "Save") */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

const SHAPES = {
  clock: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 4.6V8l2.4 1.6",
  warning: "M8 2 1.6 13.4h12.8zM8 6.4v3.4M8 11.6v.2",
  close: "M4 4l8 8M12 4l-8 8",
  more: "M3 7.6h.8v.8H3zM7.6 7.6h.8v.8h-.8zM12.2 7.6h.8v.8h-.8z",
  refresh: "M13.6 8A5.6 5.6 0 1 1 11.9 4M12 1.6V4.2H9.4",
  up: "M8 12.5v-9M4.4 7 8 3.4 11.6 7",
  down: "M8 3.5v9M4.4 9 8 12.6 11.6 9",
  done: "M3 8.6 6.4 12 13 4.6",
  lock: "M4 7.4h8v6H4zM5.6 7.4V5.2a2.4 2.4 0 0 1 4.8 0v2.2",
};

/** A small drawing beside words that say the same. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: SHAPES[name] }),
  );
}

export function $(id) {
  return document.getElementById(id);
}

let turn = 0;
/** An id that nothing else on the page has. */
export function newId(prefix) {
  turn += 1;
  return `${prefix}-${turn}`;
}

/** Said by screen readers when they are done with what they say. */
export function announce(text) {
  const region = $("live");
  region.textContent = "";
  setTimeout(() => {
    region.textContent = text;
  }, 60);
}

/**
 * Opens a dialog and resolves when it is closed. `build(close)` makes what is in it. The focus goes
 * back to where it was, or to `fallback` when that is gone.
 */
export function openDialog({ title, className = "", build, fallback, onclose }) {
  const heading = h("h2", { id: newId("title"), tabindex: "-1" }, title);
  const dialog = h("dialog", { class: className, "aria-labelledby": heading.id });
  const opener = document.activeElement;
  return new Promise((resolve) => {
    let answer;
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    dialog.append(
      h(
        "header",
        {},
        heading,
        h(
          "button",
          {
            type: "button",
            class: "quiet square",
            "aria-label": "Close",
            title: "Close (Esc)",
            onclick: () => close(),
          },
          icon("close"),
        ),
      ),
      build(close, dialog),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      const back = opener && opener.isConnected && opener !== document.body ? opener : $(fallback);
      if (back && !document.querySelector("dialog[open]")) {
        back.focus();
      }
      if (onclose) {
        onclose(answer);
      }
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    const first = dialog.querySelector("[autofocus]") || heading;
    first.focus();
  });
}

/** A line of labelled input; the hint and the error belong to it for screen readers, too. */
export function field(label, input, hint) {
  if (!input.id) {
    input.id = newId("field");
  }
  const note = hint && h("span", { class: "hint", id: newId("hint") }, hint);
  if (note) {
    input.setAttribute("aria-describedby", note.id);
  }
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, note);
}

export function stored(name, usual) {
  try {
    return localStorage.getItem(`ringback.${name}`) || usual;
  } catch {
    return usual;
  }
}

export function store(name, value) {
  try {
    localStorage.setItem(`ringback.${name}`, value);
  } catch {
    // Storage is refused: the choice lasts as long as the page.
  }
}
