"use strict";
/* A wall display: shows one gate, or all in turn; while gates are red, it shows only these. When
   the connection is lost, a red gate stays red and a sentence says that nothing can be seen, so that
   it never looks as if all were well. */
const LOST_MS = 3500; // three beats of the stream
const AGAIN_MS = 3000;
const TURN_MS = 10000;
const body = document.body;
const find = (id) => document.getElementById(id);
const words = body.dataset;
const time = new Intl.DateTimeFormat(words.language === "en" ? "en-GB" : "zh-CN", { timeStyle: "short", timeZone: words.zone });
let now = null; // the last event
let heard = 0; // its time of arrival, ms
let ahead = 0; // the gateway's clock minus this device's, ms
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
  element.replaceChildren(...items.map((entry) => {
    const item = document.createElement("li");
    make(item, entry);
    return item;
  }));
}

/* The gates that are shown in turn: the red ones if there are any, else all. */
function showing() {
  const red = now.gates.filter((gate) => gate.state === "red");
  return red.length ? red : now.gates;
}

/* A gate's text in the list of all gates, with the first reason of an amber light. */
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
  list(find("gates"), others.map((entry) => [dark ? entry.title : inList(entry), dark ? "" : entry.state, entry === gate]), (item, [named, state, current]) => {
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

/* If the stream has ended: reload a page whose link was revoked, which then says so; else open the
   stream again once the server answers. */
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

/* Store the page in the browser, to show it when the tablet starts before the gateway. A browser that
   does not trust the gateway's certificate stores nothing. */
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
