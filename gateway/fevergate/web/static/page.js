"use strict";
/* What every script of the board stands on: its words, its elements, and how it asks the server. */
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

/* What ends a request, or several that one button makes, when it has waited for long enough. */
function limit() {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), PATIENCE_MS);
  return stop.signal;
}

/* Ask the server: the answer, whose `text` has come whole. Throws where the server cannot be
   reached, and where it is silent for too long (`unanswered` tells which). */
async function ask(path, options, signal = limit()) {
  const answer = await fetch(path, { ...options, signal });
  const { status, ok, type, redirected, url } = answer;
  return { status, ok, type, redirected, url, text: await answer.text() };
}

/* What to say of an error of `ask`. */
function unanswered(error, otherwise) {
  return error.name === "AbortError" ? find("silent").textContent : otherwise;
}

/* A page of ours, or null where one is signed out. Throws as `ask` does. */
async function load(path, signal) {
  const answer = await ask(path, { redirect: "manual" }, signal);
  if (answer.type === "opaqueredirect" || answer.status === 401) return null;
  return pageOf(answer.text);
}

/* Send a form. `answer` is where it led; `out`: nobody is signed in. A page that is older than the
   session takes the session's new token and asks once more. Throws as `ask` does. */
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

/* Take the token of whoever is signed in now; whether it is another one than before. */
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

/* What a form's answer put into the address is said once, not at each reload. */
if (location.search) history.replaceState(null, "", location.pathname);
