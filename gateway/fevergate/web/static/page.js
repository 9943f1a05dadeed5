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

/* A page of ours, or null where one is signed out; throws where the server cannot be reached. */
async function load(path) {
  const answer = await fetch(path, { redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) return null;
  return pageOf(await answer.text());
}

/* Send a form. `answer` is where it led; `out`: nobody is signed in. A page that is older than the
   session takes the session's new token and asks once more. */
async function send(path, fields) {
  let answer = await post(path, fields);
  if (answer.status === 403 && await renew()) answer = await post(path, fields);
  const out = answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/sign-in");
  return { answer, out };
}

function post(path, fields) {
  const form = new URLSearchParams(fields);
  form.set("csrf", body.dataset.csrf);
  return fetch(path, { method: "POST", body: form });
}

/* Take the token of whoever is signed in now; whether it is another one than before. */
async function renew() {
  const page = await load(location.href);
  const csrf = page && page.body.dataset.csrf;
  if (!csrf || csrf === body.dataset.csrf) return false;
  body.dataset.csrf = csrf;
  document.querySelector("header").replaceWith(page.querySelector("header"));
  find("by").replaceWith(page.getElementById("by"));
  return true;
}

/* What a form's answer put into the address is said once, not at each reload. */
if (location.search) history.replaceState(null, "", location.pathname);
