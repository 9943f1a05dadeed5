"use strict";
/* Keeps the screen on: a board that sleeps shows no fever. Where a browser cannot, the device's own
   settings must. */
async function keepAwake() {
  if (!navigator.wakeLock || document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock.request("screen");
  } catch (error) {
    // Refused, such as by a battery saver: asked again when the page is looked at again.
  }
}
document.addEventListener("visibilitychange", keepAwake);
keepAwake();
