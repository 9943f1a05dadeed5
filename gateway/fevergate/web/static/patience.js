"use strict";
/* How long a button waits for its answer. A form that the browser sends by itself says it, too,
   where no page comes. */
const PATIENCE_MS = 1000 * document.getElementById("silent").dataset.seconds;

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  setTimeout(() => {
    if (event.target.querySelector(".silent")) return;
    const words = document.getElementById("silent").cloneNode(true);
    words.removeAttribute("id");
    words.classList.add("silent");
    words.hidden = false;
    event.target.append(words);
  }, PATIENCE_MS);
});
