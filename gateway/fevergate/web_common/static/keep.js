"use strict";
/* Sends the form of a page and keeps typed text if the session has ended, or if the server refuses
   or does not answer; the browser asks before it leaves the page. Needs `patience.js`. */
(() => {
  let typed = false;

  const at = (id) => document.getElementById(id);

  function post(form, fields) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(fields), signal });
  }

  async function page(answer) {
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  async function send(form, fields) {
    let answer = await post(form, fields);
    if (answer.status === 403) { // a new session: send it with its token
      const own = (await page(await fetch(location.href))).querySelector("main [name=csrf]");
      if (own) fields.set("csrf", own.value);
      answer = await post(form, fields);
    }
    at("out").hidden = answer.status !== 401;
    if (answer.status === 401) return;
    if (answer.redirected) {
      typed = false;
      location.assign(answer.url);
      return;
    }
    document.querySelector("main").replaceWith((await page(answer)).querySelector("main"));
    const wrong = document.querySelector("[aria-invalid]:not(fieldset), [aria-invalid] input, .error:not([hidden])");
    if (wrong) wrong.focus();
  }

  const kept = (event) => event.target.closest("main form[method=post]");

  document.addEventListener("input", (event) => { typed ||= Boolean(kept(event)); });
  document.addEventListener("submit", async (event) => {
    if (!kept(event)) return;
    event.preventDefault();
    const buttons = event.target.querySelectorAll("button");
    const fields = new FormData(event.target, event.submitter);
    for (const button of buttons) button.disabled = true;
    at("silent").hidden = at("out").hidden = true;
    try {
      await send(event.target, fields);
    } catch (error) {
      at("silent").hidden = false;
    }
    for (const button of buttons) button.disabled = false;
  }, true); // captured before `patience.js` sees it, which is for forms that the browser sends
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
})();
