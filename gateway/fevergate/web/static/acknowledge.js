"use strict";
/* The button "I see to it". It acknowledges the fevers that the page shows; a fever that came later
   stays red. The board shows an acknowledgement as done only once the gateway's red light is out, or
   is lit for another fever. */
const acknowledgement = (() => {
  const STILL_MS = 2000; // the light should be out this long after the gateway got the message
  const COUNTED_MS = 30000; // longest time until the fever is counted as an open follow-up
  let shown = null; // the red light on the page: since when, how many fevers, the last of them
  let sent = ""; // the red light that was acknowledged to the gateway, as `name` has it
  let timer = null;
  let leads = 0; // until this time, once red is out, the focus moves to the next thing to do

  function named(state) {
    const { kiosk, boot, seq } = state.last || {};
    return { since: state.since, fevers: state.fevers, ...(state.last && { kiosk, boot, seq }) };
  }
  const name = (state) => JSON.stringify(named(state));
  const button = () => find("acknowledge").querySelector("button");

  function rest() {
    clearTimeout(timer);
    sent = "";
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
      sent = pressed;
      alert(find("told"), say.told);
      timer = setTimeout(() => refused(say.still), STILL_MS);
    } catch (error) {
      refused(unanswered(error, say.untold));
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || event.repeat || !shown || button().disabled) return;
    event.preventDefault();
    find("acknowledge").requestSubmit();
  });

  /* Move the focus to the headline, and from there to the button of open follow-ups once it
     appears. The focus stays where it is while somebody types. */
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

  /* The server's reason for a refusal, which is in the reader's language. */
  function reason(answer) {
    try {
      return JSON.parse(answer.text).detail || say.untold;
    } catch (error) {
      return say.untold;
    }
  }

  return {
    /* Take the gate's alarm state from the last event. */
    follow(state) {
      const raised = state && state.state === "raised";
      find("acknowledge").hidden = !raised;
      const another = raised && sent && sent !== name(state);
      if (!raised || another) rest();
      if (another) alert(find("told"), say.another);
      if (!raised) alert(find("failed"), "");
      shown = raised ? state : null;
      if (!raised && Date.now() < leads) lead();
    },
  };
})();
