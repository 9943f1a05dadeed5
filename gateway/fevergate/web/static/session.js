"use strict";
/* The end of a session: said before it comes, and signed in again on the board itself, so that
   neither the sound nor a follow-up that is half typed is lost. */
const session = (() => {
  let signing = false;
  let out = false; // the stream was refused: nobody is signed in, in any tab

  function ending(now) {
    const left = now.ends_at - now.now;
    const soon = left < Number(body.dataset.warn);
    find("ending").hidden = !soon || signing;
    if (!soon) return;
    const at = clockOf({ timeStyle: "short" }).format(new Date(now.ends_at * 1000));
    text(find("ends"), say.ends.replace("%(time)s", at));
  }

  function show(form) {
    find("again").replaceChildren(form);
    find("again").hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await ask("/sign-in", { method: "POST", body: new URLSearchParams(new FormData(form)) });
        if (new URL(answer.url).pathname === "/sign-in") {
          const next = pageOf(answer.text).querySelector("main form");
          if (next) return show(next);
          throw new Error(answer.status);
        }
        await close();
        line.again();
      } catch (error) {
        button.disabled = false;
        complain(form, unanswered(error, say.unreached));
      }
    });
  }

  async function close() {
    signing = out = false;
    find("again").replaceChildren();
    find("again").hidden = true;
    await renew();
  }

  /* Ask for name and password beside the board; `out`: nobody is signed in any more. */
  async function again() {
    if (signing) return;
    signing = true;
    find("ending").hidden = true;
    try {
      const page = pageOf((await ask("/sign-in?again=1")).text);
      const form = page.querySelector("main form");
      show(form);
      form.scrollIntoView({ block: "nearest" });
    } catch (error) {
      signing = out = false;
    }
  }

  find("renew").addEventListener("click", again);
  return {
    ending,
    again,
    /* Nobody is signed in. */
    ended() {
      out = true;
      lost();
      return again();
    },
    isOut: () => out,
    /* An event has come: somebody is, perhaps by another tab. */
    goesOn() {
      if (out) close().catch(() => {}); // a button takes the new token then
    },
  };
})();

/* Say on a form what went wrong, where a reader hears it. */
function complain(form, words) {
  let place = form.querySelector(".complaint");
  if (!place) {
    place = document.createElement("p");
    place.className = "error complaint";
    place.setAttribute("role", "alert");
    form.querySelector("h1").after(place);
  }
  alert(place, words);
}
