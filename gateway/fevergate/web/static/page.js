"use strict";
/* Functions that all scripts of the board use: its texts, its elements, requests to the server. */
const body = document.body;
const gate = body.dataset.gate;
const say = document.getElementById("words").dataset;
const find = (id) => document.getElementById(id);

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function alert(element, value) {
  text(element, value);
  element.hidden = !value;
}

function gateTitle(name) {
  const tab = document.querySelector(`.tabs [data-gate="${name}"]`);
  return tab ? tab.dataset.title : name;
}

function pageOf(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/* A signal that aborts a request, or all requests of one button, after `PATIENCE_MS`. */
function limit() {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), PATIENCE_MS);
  return stop.signal;
}

/* Send a request; returns the answer with its whole `text`. Throws if the server cannot be reached
   or is silent for too long (`unanswered` tells these two apart). */
async function ask(path, options, signal = limit()) {
  const answer = await fetch(path, { ...options, signal });
  const { status, ok, type, redirected, url } = answer;
  return { status, ok, type, redirected, url, text: await answer.text() };
}

/* The sentence for an error of `ask`; `otherwise` if it is not the time limit. */
function unanswered(error, otherwise) {
  return error.name === "AbortError" ? find("silent").textContent : otherwise;
}

/* Load a page of this gateway; null if nobody is signed in. Throws as `ask` does. */
async function load(path, signal) {
  const answer = await ask(path, { redirect: "manual" }, signal);
  if (answer.type === "opaqueredirect" || answer.status === 401) return null;
  return pageOf(answer.text);
}

/* Send a form; returns the `answer`, and `out` if nobody is signed in. If somebody has signed in
   since the page was loaded, it takes the new session's token and sends the form once more. Throws
   as `ask` does. */
async function send(path, fields) {
  const signal = limit();
  let answer = await post(path, fields, signal);
  if (answer.status === 403 && await renew(signal)) answer = await post(path, fields, signal);
  const out = answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/sign-in");
  return { answer, out };
}

function post(path, fields, signal) {
  const form = new URLSearchParams(fields);
  form.set("csrf", body.dataset.csrf);
  return ask(path, { method: "POST", body: form }, signal);
}

/* Take the present session's token; returns whether it differs from the one before. */
async function renew(signal) {
  const page = await load(location.href, signal);
  const csrf = page && page.body.dataset.csrf;
  if (!csrf || csrf === body.dataset.csrf) return false;
  body.dataset.csrf = csrf;
  document.querySelector("header").replaceWith(page.querySelector("header"));
  find("by").replaceWith(page.getElementById("by"));
  duty.restore();
  return true;
}

/* Remove the query from the address: the message that it shows must not come again at a reload. */
if (location.search) history.replaceState(null, "", location.pathname);
