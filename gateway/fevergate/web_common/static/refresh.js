"use strict";
/* Keeps a visible page up to date: loads it again and replaces its live part. The page shows the
   time of its figures; if no answer comes, it says so. */
const EVERY_MS = 15000; // if the live part states no other period
const stale = document.getElementById("stale");
let asking = false;

function unfolded() {
  return [...document.querySelectorAll("#live details")].map((details) => details.open);
}

function put(next) {
  const live = document.getElementById("live");
  document.getElementById("as-of").textContent = next.getElementById("as-of").textContent;
  const open = unfolded();
  const fresh = next.getElementById("live");
  [...fresh.querySelectorAll("details")].forEach((details, n) => { details.open = Boolean(open[n]); });
  if (fresh.innerHTML === live.innerHTML) return;
  const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.replaceWith(fresh);
  if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function refresh() {
  const fields = [...document.querySelectorAll("#live input, #live textarea")];
  const busy = document.activeElement?.matches("#live input, #live select, #live textarea")
    || fields.some((field) => field.value !== field.defaultValue);
  if (asking || busy || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(location.href, {
      headers: { "X-FeverGate-Refresh": "1" }, redirect: "manual", signal: AbortSignal.timeout(10000),
    });
    if (answer.type === "opaqueredirect") { location.reload(); return; }
    if (!answer.ok) throw new Error(answer.status);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  } finally {
    asking = false;
  }
}

(function again() {
  const every = Number(document.getElementById("live").dataset.everyMs) || EVERY_MS;
  setTimeout(() => refresh().finally(again), every);
})();
document.addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
