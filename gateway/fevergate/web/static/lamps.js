"use strict";
/* The button "Try them now" tests the lamps without leaving the board: a new page would lose typed
   text and have no sound until somebody taps it. */
(() => {
  const form = find("lamps").querySelector("form");
  const button = form.querySelector("button");

  function refused(words) {
    alert(find("untried"), words);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    refused("");
    try {
      const { answer, out } = await send(form.getAttribute("action"), { by: find("by").value });
      const page = pageOf(answer.text);
      const words = page.getElementById("untried") || page.querySelector("main p");
      if (out) {
        refused(say.out);
        session.again();
      } else {
        refused(words ? words.textContent.trim() : String(answer.status));
        find("lamps").open = !find("untried").hidden;
      }
    } catch (error) {
      refused(unanswered(error, say.untold));
    }
    button.disabled = false;
  });
})();
