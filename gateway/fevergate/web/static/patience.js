"use strict";
/* The time that a button waits for an answer. After that time, a form that the browser itself sends
   also says that the server does not answer. */
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
