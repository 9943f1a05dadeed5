"use strict";
/* The line: one stream of events, the whole gate in each. Three beats without one, and the board
   says that it sees nothing. */
const LOST_MS = 3500;
const AGAIN_MS = 3000;
let heard = Date.now();
let source = null;

function listen() {
  if (source) source.close();
  source = new EventSource("/board/" + gate + "/events");
  source.onmessage = (event) => {
    heard = Date.now();
    const now = JSON.parse(event.data);
    draw(now);
    followUp.list(now.listed);
  };
  source.onerror = lost;
}

/* The server refused: signed out, or something between us. */
async function again() {
  if (session.signing) return;
  try {
    if (await load(location.href)) listen();
    else session.again();
  } catch (error) {
    lost();
  }
}

addEventListener("offline", lost);
setInterval(() => {
  if (Date.now() - heard >= LOST_MS) lost();
}, 500);
setInterval(() => {
  if (source.readyState === EventSource.CLOSED) again();
}, AGAIN_MS);
listen();
