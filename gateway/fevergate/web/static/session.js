"use strict";
/* Announces the end of a session before it comes, and offers to sign in again on the board itself,
   so that neither the sound nor a half-typed follow-up is lost. */
const session = (() => {
  let signing = false;
  let out = false; // the server refused the stream because nobody is signed in

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

  /* Show the sign-in form on the board. */
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
    /* To be called when nobody is signed in any more. */
    ended() {
      out = true;
      lost();
      return again();
    },
    isOut: () => out,
    /* To be called for each event: somebody is signed in, perhaps in another tab. */
    goesOn() {
      if (out) close().catch(() => {}); // if it fails, the next button pressed takes the new token
    },
  };
})();

/* Show an error on a form, in a place that screen readers announce. */
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
