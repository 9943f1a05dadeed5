"use strict";
/* "I see to it": of what is shown, and not of what came after, which stays red; told to the gateway,
   and believed only when the gateway's red is gone or is another. */
const acknowledgement = (() => {
  const STILL_MS = 2000; // so long after the gateway was told, its red should be gone
  const COUNTED_MS = 30000; // so long the focus waits for the fever to be counted as open
  let shown = null; // the red that is on the page: since when, how many, which came last
  let told = ""; // the red that the gateway was told of
  let waiting = null;
  let leads = 0; // until when the focus goes where the work goes on, once the red is gone

  function named(state) {
    const { kiosk, boot, seq } = state.last || {};
    return { since: state.since, fevers: state.fevers, ...(state.last && { kiosk, boot, seq }) };
  }
  const name = (state) => JSON.stringify(named(state));
  const button = () => find("acknowledge").querySelector("button");

  function rest() {
    clearTimeout(waiting);
    told = "";
    button().disabled = false;
    alert(find("told"), "");
  }

  find("acknowledge").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!shown) return;
    const pressed = name(shown);
    button().disabled = true;
    alert(find("failed"), "");
    try {
      const { answer, out } = await send("/board/" + gate + "/acknowledge", { by: find("by").value, ...named(shown) });
      if (out) return refused(say.out, session.again);
      if (!answer.ok) return refused(reason(answer));
      leads = Date.now() + COUNTED_MS;
      if (!shown) return;
      told = pressed;
      alert(find("told"), say.told);
      waiting = setTimeout(() => refused(say.still), STILL_MS);
    } catch (error) {
      refused(unanswered(error, say.untold));
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || event.repeat || !shown || button().disabled) return;
    event.preventDefault();
    find("acknowledge").requestSubmit();
  });

  /* To what the board says, and from there to the button that leads to what is open, as soon as it
     is counted. Not away from whoever is typing. */
  function lead() {
    const open = find("open");
    const at = document.activeElement;
    if ((at !== body && at !== find("headline")) || !open.hidden) leads = 0;
    if (at === body || (at === find("headline") && !open.hidden)) {
      (open.hidden ? find("headline") : open).focus({ preventScroll: true });
    }
  }

  function refused(words, then) {
    leads = 0;
    rest();
    alert(find("failed"), words);
    if (then) then();
  }

  /* The server's own words; they are in the reader's language. */
  function reason(answer) {
    try {
      return JSON.parse(answer.text).detail || say.untold;
    } catch (error) {
      return say.untold;
    }
  }

  return {
    /* The gate's state, as the last event has it. */
    follow(state) {
      const raised = state && state.state === "raised";
      find("acknowledge").hidden = !raised;
      const another = raised && told && told !== name(state);
      if (!raised || another) rest();
      if (another) alert(find("told"), say.another);
      if (!raised) alert(find("failed"), "");
      shown = raised ? state : null;
      if (!raised && Date.now() < leads) lead();
    },
  };
})();
