"use strict";
/* A wall display: shows one gate, or all in turn, and a red one before any other. When nothing is
   heard, what was red stays, and the sentence that nothing can be seen is there: a lost line never
   looks like peace. */
const LOST_MS = 3500; // three beats of the stream
const AGAIN_MS = 3000;
const TURN_MS = 10000;
const body = document.body;
const find = (id) => document.getElementById(id);
const words = body.dataset;
const time = new Intl.DateTimeFormat(words.language === "en" ? "en-GB" : "zh-CN", { timeStyle: "short", timeZone: words.zone });
let now = null; // the last event
let heard = 0; // when it came
let ahead = 0; // the gateway's clock before ours, ms
let turn = 0;
let source = null;

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
  element.hidden = !value;
}

function list(element, items, make) {
  const shown = JSON.stringify(items);
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  element.hidden = items.length === 0;
  element.replaceChildren(...items.map((one) => {
    const item = document.createElement("li");
    make(item, one);
    return item;
  }));
}

/* The gates whose turn it is: the red ones as long as there are any. */
function showing() {
  const red = now.gates.filter((gate) => gate.state === "red");
  return red.length ? red : now.gates;
}

/* A gate in the list of all, with the first reason of its amber light. */
function inList(gate) {
  const named = gate.sign + " " + gate.title;
  if (gate.state !== "amber" || !gate.reasons.length) return named;
  return named + " · " + gate.reasons[0] + (gate.reasons.length > 1 ? " …" : "");
}

function draw() {
  const lost = !now || !now.seen || Date.now() - heard >= LOST_MS;
  const gates = now ? showing() : [];
  const gate = gates.length ? gates[turn % gates.length] : null;
  const red = Boolean(gate) && gate.state === "red";
  const dark = lost && !red;
  find("now").className = "state " + (dark ? "lost" : gate.state);
  text(find("sign"), dark ? "✕" : gate.sign);
  text(find("title"), gate ? gate.title : words.place);
  text(find("headline"), dark ? "" : gate.headline);
  text(find("detail"), dark ? "" : gate.detail);
  text(find("lost"), lost ? words.lost : "");
  list(find("why"), dark ? [] : gate.reasons, (item, line) => { item.textContent = line; });
  list(find("kiosks"), dark || !gate ? [] : gate.kiosks, (item, kiosk) => {
    item.className = kiosk.watches ? "" : "away";
    item.textContent = [(kiosk.watches ? "✓ " : "! ") + kiosk.kiosk, kiosk.watches ? kiosk.last : kiosk.state].filter(Boolean).join(" · ");
  });
  const others = now && now.gates.length > 1 ? now.gates : [];
  list(find("gates"), others.map((one) => [dark ? one.title : inList(one), dark ? "" : one.state, one === gate]), (item, [named, state, current]) => {
    item.textContent = named;
    if (state === "red" || state === "amber") item.className = state + "-gate";
    if (current) item.setAttribute("aria-current", "true");
  });
  document.title = (red ? "▲ " : lost ? "✕ " : "") + (gate ? gate.title : words.place) + " · FeverGate";
  tick();
}

function tick() {
  const doubt = now && !now.clock ? "? " : "";
  text(find("clock"), doubt + time.format(new Date(Date.now() + ahead)));
}

/* Whether the link was revoked: then the page says so; everything else is waited for. */
async function look() {
  if (!source || source.readyState !== EventSource.CLOSED) return;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(AGAIN_MS) });
    if (answer.status === 404) return location.reload();
  } catch (error) {
    return;
  }
  open();
}

/* Kept for a start before the pages are there; a browser that does not trust us keeps nothing. */
async function keep() {
  try {
    await navigator.serviceWorker.register("/screen/worker.js");
    const used = [...document.querySelectorAll("link[rel=stylesheet], script[src]")];
    const cache = await caches.open("fevergate-display");
    await cache.addAll([location.pathname, ...used.map((element) => element.href || element.src)]);
  } catch (error) {
    return;
  }
}

function open() {
  if (source) source.close();
  source = new EventSource(location.pathname + "/events");
  source.onmessage = (event) => {
    now = JSON.parse(event.data);
    heard = Date.now();
    ahead = now.now * 1000 - heard;
    if (now.version !== words.version) location.reload();
    else draw();
  };
}

addEventListener("offline", () => { heard = 0; draw(); });
setInterval(draw, 500);
setInterval(() => { turn += 1; }, TURN_MS);
setInterval(look, AGAIN_MS);
open();
draw();
if (navigator.serviceWorker) keep();
