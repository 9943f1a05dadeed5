"use strict";
/* What was typed is not thrown away unasked: the browser asks before it leaves a page with a form
   that is half filled in. */
(() => {
  let typed = false;
  document.addEventListener("input", () => { typed = true; });
  document.addEventListener("submit", () => { typed = false; });
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
})();
