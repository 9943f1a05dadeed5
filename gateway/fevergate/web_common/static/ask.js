"use strict";
/* Asks before an action that cannot be undone; without this script one click does it. */
document.addEventListener("submit", (event) => {
  const words = event.submitter && event.submitter.dataset.ask;
  if (words && !confirm(words)) event.preventDefault();
});
