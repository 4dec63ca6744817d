// Runs before the page is drawn, so that a chosen theme does not flash in late. Not a module.
(function () {
  "use strict";
  try {
    var chosen = localStorage.getItem("ringback.theme");
    if (chosen === "light" || chosen === "dark") {
      document.documentElement.dataset.theme = chosen;
    }
  } catch (error) {
    // Storage is refused: the system's theme it is.
  }
})();
