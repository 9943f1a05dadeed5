"use strict";
/* Opens a follow-up on the board itself, so that the next fever is seen and heard beside it. Typed
   text stays until it is saved, even if the server or the connection fails. */
const followUp = (() => {
  const AGAIN_MS = 3000;
  let asked = 0;
  let typed = false;
  let field = null; // the field to go back to if the question whether to close is answered no

  /* Load the list of fevers again if its mark has changed; if that fails, the next event retries. */
  async function list(mark) {
    if (!mark || mark === find("fevers").dataset.mark || Date.now() - asked < AGAIN_MS) return;
    asked = Date.now();
    await reload();
  }

  async function reload() {
    try {
      const page = await load(location.href);
      const now = page && page.getElementById("fevers");
      if (!now) return;
      const open = find("fevers").querySelector("details[open]");
      find("fevers").replaceWith(now);
      if (open && now.querySelector("details")) now.querySelector("details").open = true;
    } catch (error) {
      // The next event tries again.
    }
  }

  function close() {
    typed = false;
    find("form").replaceChildren();
    find("after").hidden = find("asked").hidden = true;
    const next = [find("acknowledge").querySelector("button"), find("open"), find("headline")];
    next.find((element) => element.offsetParent).focus({ preventScroll: true });
  }

  /* Close the form; if something was typed, ask first. */
  function leave() {
    if (!typed) return close();
    const at = document.activeElement;
    field = find("form").contains(at) ? at : find("form").querySelector("input:not([type=hidden])");
    find("asked").hidden = false;
    find("keep").focus();
  }

  function stay() {
    find("asked").hidden = true;
    field.focus();
  }

  function open(form) {
    find("form").replaceChildren(form);
    find("after").hidden = false;
    find("asked").hidden = true;
    find("after").scrollIntoView({ block: "start" });
    (form.querySelector("[aria-invalid]:not(fieldset), [aria-invalid] input, .error:not([hidden])") || form.querySelector("input:not([type=hidden])")).focus();
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fields = new FormData(form, event.submitter);
      fields.set("by", find("by").value); // the person on duty; the session says which account it is
      save(form, fields);
    });
  }

  async function save(form, fields) {
    const buttons = [...form.querySelectorAll("button"), find("discard")];
    for (const button of buttons) button.disabled = true;
    complain(form, "");
    try {
      const { answer, out } = await send(form.getAttribute("action"), fields);
      const page = pageOf(answer.text);
      const next = page.querySelector("main form");
      if (out) {
        complain(form, say.unsavedOut);
        session.again();
      } else if (answer.ok && new URL(answer.url).pathname.startsWith("/board/")) {
        close();
        await reload();
      } else if (next) {
        open(next);
        typed = true;
      } else {
        const words = page.querySelector("main p");
        complain(form, say.unsaved + " " + (words ? words.textContent.trim() : answer.status));
      }
    } catch (error) {
      complain(form, unanswered(error, say.unreached));
    }
    for (const button of buttons) button.disabled = false;
  }

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("#fevers td a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    follow(link);
  });

  async function follow(link) {
    if (typed) {
      const form = find("form").firstElementChild;
      complain(form, say.other);
      find("after").scrollIntoView({ block: "start" });
      return;
    }
    const failed = find("fevers").querySelector(".unopened");
    try {
      const page = await load(link.href);
      if (!page) return session.again();
      const form = page.querySelector("main form");
      const words = page.querySelector("main p");
      alert(failed, form ? "" : words ? words.textContent.trim() : say.unopened);
      if (form) open(form);
    } catch (error) {
      alert(failed, unanswered(error, say.unopened));
    }
  }

  /* Go to the open follow-ups; if there is only one, open its form. */
  find("open").addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const listed = () => [...find("fevers").querySelectorAll("a.open")];
    if (!listed().length) await reload(); // it was counted a moment ago and is not in the list yet
    const links = listed();
    if (!links.length) return location.assign(find("open").href);
    if (links.length === 1) return follow(links[0]);
    const earlier = links[0].closest("details");
    if (earlier) earlier.open = true;
    find("fevers").scrollIntoView({ block: "start" });
    links[0].focus({ preventScroll: true });
  });

  find("discard").addEventListener("click", leave);
  find("throw").addEventListener("click", close);
  find("keep").addEventListener("click", stay);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || find("after").hidden) return;
    if (find("asked").hidden) leave();
    else stay();
  });
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault(); // the browser asks whether to leave the page
  });

  /* Show the number of open follow-ups on their button. A focus on the headline moves to the button
     when it appears, and back when it disappears. */
  function count(open) {
    const [button, headline, at] = [find("open"), find("headline"), document.activeElement];
    const came = button.hidden && open;
    alert(button, open ? say.open.replace("%(count)s", open) : "");
    if (at === button && !open) headline.focus({ preventScroll: true });
    if (at === headline && came) button.focus({ preventScroll: true });
  }

  return { list, open: count };
})();
