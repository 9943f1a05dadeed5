"use strict";
/* Draws one gate from the last event. When the connection is lost, a red light stays red and a
   sentence says that nothing new can be seen, so that it never looks as if all were well. */
const LOST_SOUND_MS = 5000; // a shorter loss of the connection makes no sound
let red = false;
let elsewhere = "";
let lostAt = 0;

function clockOf(style) {
  const language = body.dataset.language === "en" ? "en-GB" : "zh-CN";
  return new Intl.DateTimeFormat(language, { ...style, timeZone: body.dataset.zone });
}

function show(kind, sign, headline, detail, more) {
  const state = find("state");
  const name = "state " + kind;
  if (state.className !== name) state.className = name;
  text(find("sign"), sign);
  text(find("headline"), headline);
  alert(find("detail"), detail);
  alert(find("more"), more);
  body.classList.toggle("red", kind === "red");
}

/* List the reasons of an amber light. They are below the state, so that they leave the button its
   room while the light is red. */
function explain(reasons) {
  const list = find("reasons");
  if (list.dataset.shown === reasons.join("\n")) return;
  list.dataset.shown = reasons.join("\n");
  list.hidden = reasons.length === 0;
  list.replaceChildren(...reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
}

function warmth({ alarm, where }) {
  const warm = (alarm.last || {}).body_c;
  return [warm == null ? "" : warm.toFixed(1) + " °C", where].filter(Boolean).join(" · ");
}

function draw(now) {
  const mine = now.gates.find((entry) => entry.gate === gate) || { alarm: null, reasons: [], kiosks: [], passers: "" };
  lostAt = now.line && now.gateway ? 0 : lostAt || Date.now();
  const state = mine.alarm;
  const title = gateTitle(gate);
  const today = mine.today ? say.today.replace("%(count)s", mine.today) : "";
  red = Boolean(state && state.state === "raised");
  if (red) {
    show("red", "▲", title + " · " + say.red, warmth(mine), say.waiting.replace("%(count)s", state.fevers));
  } else if (lostAt) {
    show("lost", "✕", title, "", say.lost);
  } else if (!state) {
    show("unknown", "?", title, "", say.unknown);
  } else if (mine.reasons.length) {
    show("amber", "!", title + " · " + say.amber, "", today);
  } else {
    show("green", "✓", title + " · " + (mine.today === 0 ? say.green : say.watch), "", today);
  }
  explain(lostAt ? [] : mine.reasons);
  alert(find("gone"), red && lostAt ? say.lost : "");
  followUp.open(red || lostAt ? 0 : mine.open);
  acknowledgement.follow(state);
  others(now.gates.filter((entry) => entry !== mine));
  kiosks(mine.kiosks, now.date);
  find("kiosks").hidden = Boolean(lostAt); // their last values may be out of date
  find("clock").hidden = now.clock;
  find("untaken").hidden = !now.untaken;
  alert(find("roll"), now.roll);
  passers.follow(lostAt ? "" : mine.passers);
  session.ending(now);
  followUp.list(mine.listed);
  voice();
}

/* The text of a red gate in the band; `short` for few words. */
function inBand(entry, short) {
  const { gate: name, alarm } = entry;
  const waiting = say.waiting.replace("%(count)s", alarm.fevers);
  const warm = (alarm.last || {}).body_c;
  const words = short
    ? [warm == null ? say.red : warm.toFixed(1) + " °C", alarm.fevers > 1 ? waiting : ""]
    : [say.red, warmth(entry), waiting];
  return ["▲ " + gateTitle(name), ...words].filter(Boolean).join(" · ");
}

/* Show the other gates. All have a tab, and tabs never move under a finger. The red ones are also in
   a band above everything, the one that waits longest first, so that none is out of sight. */
function others(gates) {
  const raised = gates.filter((entry) => entry.alarm && entry.alarm.state === "raised");
  raised.sort((entry, other) => entry.alarm.since - other.alarm.since);
  elsewhere = raised.map((entry) => gateTitle(entry.gate)).join(", ");
  for (const entry of gates) {
    const hot = raised.includes(entry);
    const sign = hot ? "▲ " + entry.alarm.fevers : entry.alarm && entry.alarm.amber.length ? "!" : "";
    const tab = document.querySelector(`.tabs [data-gate="${entry.gate}"]`);
    tab.classList.toggle("hot", hot);
    text(tab.querySelector("span"), sign);
  }
  const band = find("elsewhere");
  const short = raised.length > 2;
  const lines = raised.map((entry) => [entry.gate, inBand(entry, short)]);
  const shown = JSON.stringify(lines);
  if (band.dataset.shown === shown) return;
  band.dataset.shown = shown;
  band.hidden = lines.length === 0;
  band.classList.toggle("short", short);
  band.replaceChildren(...lines.map(([name, words]) => {
    const link = document.createElement("a");
    link.href = "/board/" + name;
    link.textContent = words;
    return link;
  }));
  body.classList.toggle("red-elsewhere", lines.length > 0);
}

function lost() {
  const words = session.isOut() ? say.ended : say.lost;
  lostAt = lostAt || Date.now();
  if (red) alert(find("gone"), words);
  else show("lost", "✕", gateTitle(gate), "", words);
  explain([]);
  passers.follow("");
  followUp.open(0);
  find("kiosks").hidden = true;
  voice();
}

/* Set the page's title and sound to what it shows. */
function voice() {
  const signs = [red ? "▲ " + say.red : "", elsewhere ? "▲ " + elsewhere + " " + say.red : "", lostAt ? "✕" : ""];
  const title = [...signs, gateTitle(gate), "FeverGate"].filter(Boolean).join(" · ");
  if (document.title !== title) document.title = title;
  const gone = lostAt && Date.now() - lostAt >= LOST_SOUND_MS;
  siren.sound(red ? "red" : elsewhere ? "elsewhere" : gone ? "lost" : "");
}

function curve(values) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", say.trend.replace("%(count)s", values.length));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const y = (value) => 30 - Math.max(0, Math.min(1, (value - 35) / 4)) * 30;
  line.setAttribute("points", values.map((value, n) => (values.length < 2 ? 0 : n * 100 / (values.length - 1)) + "," + y(value)).join(" "));
  svg.append(line);
  return svg;
}

function stateOf(kiosk) {
  if (kiosk.online === null) return "? " + (kiosk.trouble || say.unknown);
  if (!kiosk.online) return "✕ " + (kiosk.trouble || say.offline);
  return kiosk.trouble ? "! " + kiosk.trouble : "✓ " + say.online;
}

/* The time of a reading, with its date unless it is of today. */
function moment(at, today) {
  const when = new Date(at * 1000);
  const day = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone: body.dataset.zone }).format(when);
  return clockOf(day === today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" }).format(when);
}

let drawn = "";

function kiosks(all, today) {
  const wanted = JSON.stringify([all, today]);
  if (drawn === wanted) return;
  drawn = wanted;
  find("kiosks").replaceChildren(...all.map((kiosk) => {
    const card = document.createElement("article");
    const head = document.createElement("h2");
    const word = document.createElement("span");
    word.className = "word";
    word.textContent = stateOf(kiosk);
    head.append(kiosk.kiosk, word);
    const number = document.createElement("div");
    number.className = "reading";
    number.textContent = kiosk.body_c === null ? "–" : kiosk.body_c.toFixed(1) + " °C";
    const last = document.createElement("div");
    last.textContent = kiosk.at === null ? "" : say.last.replace("%(what)s", (say[kiosk.verdict] || kiosk.verdict) + " · " + moment(kiosk.at, today));
    card.append(head, number, last, curve(kiosk.trend));
    return card;
  }));
}

/* Keep the focused element in view when the band above appears or grows. */
new ResizeObserver(() => {
  document.documentElement.style.scrollPaddingTop = find("top").offsetHeight + "px";
  const at = document.activeElement;
  if (find("after").contains(at)) at.scrollIntoView({ block: "nearest" });
}).observe(find("top"));
