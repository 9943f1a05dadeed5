"use strict";
/* What cannot be taken back is asked once; without this script it is done at one click. */
document.addEventListener("submit", (event) => {
  const words = event.submitter && event.submitter.dataset.ask;
  if (words && !confirm(words)) event.preventDefault();
});
