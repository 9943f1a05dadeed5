"use strict";
/* Shares one stream of events among all boards of this browser, because a browser opens at most six
   connections to a server (HTTP/1.1). The tab that holds a lock has the stream and passes each event
   on to the other tabs. When it is closed or frozen, the next tab gets the lock; when it is silent
   and does not answer, another tab takes the lock from it. After three beats without an event each
   board says that it sees nothing, whichever tab has the stream.
   Web Locks: w3.org/TR/web-locks. Freezing: wicg.github.io/page-lifecycle. */
const line = (() => {
  const LOST_MS = 3500;
  const AGAIN_MS = 3000;
  const SILENT_MS = 1500; // after this time without an event, ask the tab that has the stream
  const DEAD_MS = 700; // a tab that has not answered by then is taken for dead
  const TICK_MS = 250;
  const STALE_MS = 10000; // a stream without an event for so long is opened again
  const NAME = "fevergate-boards-" + body.dataset.language; // the texts of events are in one language
  const shared = Boolean(navigator.locks && window.BroadcastChannel);
  let channel = null;
  let source = null; // the stream, if this tab has it
  let opened = 0; // time at which this tab opened it
  let last = null; // its last event
  let heard = Date.now(); // time of the last event, from any tab's stream
  let there = 0; // time at which another tab last said that it has the stream
  let asked = 0;
  let waiting = null; // ends this tab's request for the lock
  let release = null; // gives the lock back

  function tell(message) {
    if (channel) channel.postMessage(message);
  }

  function take(event) {
    heard = event.at;
    session.goesOn();
    draw(event.now);
  }

  function open() {
    if (source) source.close();
    last = null;
    opened = Date.now();
    source = new EventSource("/events");
    source.onmessage = (event) => {
      last = { at: Date.now(), now: JSON.parse(event.data) };
      tell({ event: last });
      take(last);
    };
    source.onerror = () => {
      last = null;
      tell({ lost: true });
      lost();
    };
  }

  function shut() {
    if (source) source.close();
    source = last = release = null;
  }

  function hold() {
    open();
    return new Promise((done) => { release = done; });
  }

  /* Get the stream as soon as no other tab has it; with `steal`, at once. */
  async function queue(steal) {
    if (waiting) waiting.abort();
    const mine = waiting = new AbortController();
    try {
      await navigator.locks.request(NAME, steal ? { steal } : { signal: mine.signal }, hold);
    } catch (error) {
      if (error.name !== "AbortError") return open(); // no locks in this browser: use an own stream
    }
    if (waiting !== mine) return;
    shut();
    queue(false);
  }

  function join() {
    if (!shared) return open();
    channel = new BroadcastChannel(NAME);
    channel.onmessage = ({ data }) => {
      if (data.event) {
        asked = 0;
        if (Date.now() - data.event.at < LOST_MS) take(data.event); // an older one means that this tab was frozen
      } else if (data.lost) {
        lost();
      } else if (data.out) {
        session.ended();
      } else if (data.here) {
        asked = 0;
        there = Date.now();
      } else if (data.ask && source) {
        tell(last && Date.now() - last.at < SILENT_MS ? { event: last } : { here: true });
        look();
      } else if (data.again && source) {
        open();
      }
    };
    queue(false);
    inquire();
  }

  function leave() {
    if (!channel) return;
    channel.close();
    channel = null;
    const [lock, request] = [release, waiting];
    waiting = null;
    shut();
    if (lock) lock();
    else if (request) request.abort();
  }

  function inquire() {
    asked = Date.now();
    tell({ ask: true });
  }

  /* If the server refused the stream, find out whether the session has ended. */
  async function look() {
    if (!source || source.readyState !== EventSource.CLOSED) return;
    try {
      if (await load(location.href)) return open();
      tell({ out: true });
      session.ended();
    } catch (error) {
      lost();
    }
  }

  addEventListener("offline", lost);
  addEventListener("pagehide", leave);
  document.addEventListener("freeze", leave);
  for (const name of ["pageshow", "resume"]) {
    (name === "resume" ? document : window).addEventListener(name, () => {
      if (shared && !channel) join();
    });
  }
  function tick() {
    const silent = Date.now() - heard;
    if (silent >= LOST_MS) lost();
    if (source && Math.min(silent, Date.now() - opened) >= STALE_MS) open();
    if (source || !channel) return;
    if (asked && Date.now() - asked >= DEAD_MS) {
      asked = 0;
      queue(true);
    } else if (!asked && silent >= SILENT_MS && Date.now() - there >= SILENT_MS) {
      inquire();
    }
  }
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick); // do not wait for the timer after a sleep
  setInterval(look, AGAIN_MS);
  join();

  return {
    /* Open the stream again after a sign-in, so that it belongs to the new session. */
    again() {
      if (source) open();
      else tell({ again: true });
    },
  };
})();
