"use strict";
/* Keeps the screen on, because a sleeping board shows no fever. Where the browser cannot do that, it
   must be set in the device's own settings. */
async function keepAwake() {
  if (!navigator.wakeLock || document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock.request("screen");
  } catch (error) {
    // Refused, for example to save the battery; asked again when the page is visible again.
  }
}
document.addEventListener("visibilitychange", keepAwake);
keepAwake();
