"use strict";
/* The board of one gate. What is shown is what the last event said; when the line breaks, or three
   beats come without one, the page says that it sees nothing: a lost line never looks like peace.
   A follow-up opens on the board itself, so that the next fever is seen and heard beside it. */
const body = document.body;
const gate = body.dataset.gate;
const say = document.getElementById("words").dataset;
const find = (id) => document.getElementById(id);
const LOST_MS = 3500;
const STORED_MS = 700; // a fever is shown before it is on the disk
const AGAIN_MS = 3000;
let heard = 0;
let red = false;
let audio = null;
let beeping = null;
let listed = "";

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function show(kind, sign, headline, detail, reasons) {
  const state = find("state");
  const name = "state " + kind;
  if (state.className !== name) state.className = name;
  text(find("sign"), sign);
  text(find("headline"), headline);
  text(find("detail"), detail);
  const list = find("reasons");
  if (list.dataset.shown !== reasons.join("\n")) {
    list.dataset.shown = reasons.join("\n");
    list.hidden = reasons.length === 0;
    list.replaceChildren(...reasons.map((reason) => {
      const item = document.createElement("li");
      item.textContent = reason;
      return item;
    }));
  }
  body.classList.toggle("red", kind === "red");
}

function alarm(now) {
  const state = now.alarm;
  const was = red;
  red = Boolean(state && state.state === "raised");
  find("acknowledge").hidden = !red;
  if (red) {
    const last = state.last || {};
    const warm = last.body_c == null ? "" : last.body_c.toFixed(1) + " °C · ";
    show("red", "▲", gate + " · " + say.red, warm + (last.kiosk || "") + " · " + state.fevers + " " + say.waiting, state.amber || []);
  } else if (!now.line || !now.gateway) {
    show("lost", "✕", gate, say.lost, []);
  } else if (!state) {
    show("unknown", "?", gate, say.unknown, []);
  } else if (state.amber && state.amber.length) {
    show("amber", "!", gate + " · " + say.amber, "", state.amber);
  } else {
    show("green", "✓", gate + " · " + say.green, "", []);
  }
  if (red && (!now.line || !now.gateway)) find("detail").textContent += " · " + say.lost;
  document.title = (red ? "▲ " + say.red + " · " : "") + gate + " · FeverGate";
  if (red !== was) sound();
  const news = state ? [state.state, state.since, state.fevers].join() : "";
  if (news !== listed) {
    if (listed) setTimeout(list, STORED_MS);
    listed = news;
  }
}

/* What a page of ours holds, as it is now; a board that is signed out goes to sign in. */
async function parsed(answer) {
  const page = new DOMParser().parseFromString(await (await answer).text(), "text/html");
  if (new URL((await answer).url).pathname === "/sign-in") location.reload();
  return page;
}

async function list() {
  const now = (await parsed(fetch(location.href))).getElementById("fevers");
  if (now) find("fevers").replaceWith(now);
}

function follow(page) {
  const form = page.querySelector("main form");
  find("after").replaceChildren(...(form ? [form] : []));
  if (!form) return;
  form.scrollIntoView({ block: "nearest" });
  (form.querySelector(".error") || form.querySelector("input:not([type=hidden])")).focus();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields });
      const saved = answer.redirected;
      const page = await parsed(answer);
      if (saved) find("after").replaceChildren();
      else follow(page);
      if (saved) await list();
    } catch (error) {
      form.querySelector(".unsaved").hidden = false; // what was typed stays
    }
  });
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("#fevers a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  follow(await parsed(fetch(link.href)));
});

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

function kiosks(now) {
  const clock = new Intl.DateTimeFormat(body.dataset.language === "en" ? "en-GB" : "zh-CN", { timeStyle: "medium", timeZone: body.dataset.zone });
  find("kiosks").replaceChildren(...now.kiosks.map((kiosk) => {
    const card = document.createElement("article");
    const head = document.createElement("h2");
    const word = document.createElement("span");
    word.className = "word";
    word.textContent = kiosk.online === null ? "? " + say.unknown : !kiosk.online ? "✕ " + say.offline : kiosk.fault ? "! " + kiosk.fault : "✓ " + say.online;
    head.append(kiosk.kiosk, word);
    const number = document.createElement("div");
    number.className = "reading";
    number.textContent = kiosk.body_c === null ? "–" : kiosk.body_c.toFixed(1) + " °C";
    const last = document.createElement("div");
    last.textContent = kiosk.at === null ? "" : say.last + ": " + (say[kiosk.verdict] || kiosk.verdict) + " · " + clock.format(new Date(kiosk.at * 1000));
    card.append(head, number, last, curve(kiosk.trend));
    return card;
  }));
}

function beep() {
  const at = audio.currentTime;
  for (const offset of [0, 0.25]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = 880;
    volume.gain.value = 0.4;
    tone.connect(volume).connect(audio.destination);
    tone.start(at + offset);
    tone.stop(at + offset + 0.15);
  }
}

function sound() {
  clearInterval(beeping);
  beeping = null;
  if (red && audio) {
    beep();
    beeping = setInterval(beep, 1000);
  }
}

find("sound").addEventListener("click", async () => {
  audio = audio || new AudioContext();
  await audio.resume();
  find("sound").hidden = true;
  sound();
});

find("acknowledge").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new URLSearchParams({ csrf: body.dataset.csrf, by: find("by").value });
  let ok = false;
  try {
    ok = (await fetch("/board/" + gate + "/acknowledge", { method: "POST", body: form })).ok;
  } catch (error) {
    ok = false;
  }
  find("failed").hidden = ok;
});

function lost() {
  show(red ? "red" : "lost", red ? "▲" : "✕", gate, say.lost, []);
}

async function again() {
  // Signed out, or something between us and the server refused: only a page that there is, is loaded.
  try {
    if ((await fetch("/healthz")).ok) location.reload();
  } catch (error) {
    lost();
  }
}

const source = new EventSource("/board/" + gate + "/events");
source.onmessage = (event) => {
  heard = Date.now();
  const now = JSON.parse(event.data);
  alarm(now);
  kiosks(now);
};
source.onerror = lost;
addEventListener("offline", lost);
setInterval(() => {
  if (Date.now() - heard >= LOST_MS) lost();
}, 500);
setInterval(() => {
  if (source.readyState === EventSource.CLOSED) again();
}, AGAIN_MS);
heard = Date.now();
