// The list as a file: all that the filters match, or nothing; never a part of it.
import { fetchApi, Problem, problemText } from "./api.js";
import { h, openDialog } from "./dom.js";
import { withToken } from "./shell.js";
import { counted } from "./words.js";

function fileName(answer, format) {
  const found = /filename="?([^";]+)"?/.exec(answer.headers.get("Content-Disposition") || "");
  return found ? found[1] : `callbacks.${format}`;
}

/** Reads it piece by piece, so that a large file shows how far it is. */
async function readAll(answer, say) {
  const reader = answer.body.getReader();
  const pieces = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return new Blob(pieces, { type: answer.headers.get("Content-Type") || "" });
    }
    pieces.push(value);
    bytes += value.length;
    say(`${(bytes / 1e6).toFixed(1)} MB read…`);
  }
}

function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Asks for the file and saves it. `say(text, wrong)` tells how far it is, or what went wrong. */
async function read(query, format, signal, say) {
  const asked = new URLSearchParams(query);
  asked.delete("sort");
  asked.set("format", format);
  say("Asking…");
  try {
    const answer = await withToken(() => fetchApi("/export", { query: asked, signal }));
    const blob = await readAll(answer, say);
    const name = fileName(answer, format);
    save(blob, name);
    say(`${name} is complete: ${(blob.size / 1e6).toFixed(1)} MB.`);
  } catch (problem) {
    const words =
      problem instanceof Problem
        ? problemText(problem)
        : "The connection broke off; nothing was saved. Try again.";
    say("", words);
  }
}

export function exportDialog(query, total) {
  const aborter = new AbortController();
  const format = (value, text, checked) =>
    h(
      "label",
      { class: "check" },
      h("input", { type: "radio", name: "format", value, checked, autofocus: checked }),
      text,
    );
  return openDialog({
    title: "Export these callbacks",
    className: "narrow",
    onclose: () => aborter.abort(),
    build: (close) => {
      const said = h("p", { class: "said", role: "status" });
      const failure = h("p", { class: "error", role: "alert", hidden: true });
      const button = h("button", { class: "main" }, "Export");
      const form = h(
        "form",
        { method: "dialog" },
        h("p", {}, `All ${counted(total, "callback")} that match the filters, oldest first.`),
        h(
          "fieldset",
          {},
          h("legend", {}, "Format"),
          format("csv", "CSV, for spreadsheets", true),
          format("jsonl", "JSON lines, for programs"),
        ),
        h(
          "p",
          { class: "hint" },
          "Limits, by when a callback was created: 10,000 of the last 12 hours, " +
            "and 1,000,000 of before. Over a limit nothing is exported, and you are told how many " +
            "there are.",
        ),
        said,
        failure,
        h("footer", {}, h("button", { type: "button", onclick: () => close() }, "Close"), button),
      );
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const say = (text, wrong = "") => {
          said.textContent = text;
          failure.textContent = wrong;
          failure.hidden = !wrong;
        };
        button.disabled = true;
        await read(query, new FormData(form).get("format"), aborter.signal, say);
        button.disabled = false;
      });
      return form;
    },
  });
}
