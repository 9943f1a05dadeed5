"use strict";
/* The line: one stream of events for all boards of this browser, since a browser opens six
   connections to a server and no more (HTTP/1.1). The tab that holds a lock has the stream and
   passes each event on to the others; when it is closed or frozen the next tab has the lock, and
   when it is silent and does not answer, another takes the lock from it. Three beats without an
   event, and each board says that it sees nothing, whoever has the stream.
   Web Locks: w3.org/TR/web-locks. Freezing: wicg.github.io/page-lifecycle. */
const line = (() => {
  const LOST_MS = 3500;
  const AGAIN_MS = 3000;
  const SILENT_MS = 1500; // without an event: is the tab that has the stream still there?
  const DEAD_MS = 700; // without its answer it is not
  const TICK_MS = 250;
  const STALE_MS = 10000; // a line that brings nothing for so long is dead, whatever it says
  const NAME = "fevergate-boards-" + body.dataset.language; // events are in somebody's language
  const shared = Boolean(navigator.locks && window.BroadcastChannel);
  let channel = null;
  let source = null; // where this tab has the stream
  let opened = 0; // when
  let last = null; // the event that it had last
  let heard = Date.now(); // when that came, whoever had the stream
  let there = 0; // when another tab said that it has the stream
  let asked = 0;
  let waiting = null; // for the lock
  let release = null; // what gives it back

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

  /* Have the stream as soon as no other tab has it; at once where one is to `steal` it. */
  async function queue(steal) {
    if (waiting) waiting.abort();
    const mine = waiting = new AbortController();
    try {
      await navigator.locks.request(NAME, steal ? { steal } : { signal: mine.signal }, hold);
    } catch (error) {
      if (error.name !== "AbortError") return open(); // no locks here: a stream of one's own
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
        if (Date.now() - data.event.at < LOST_MS) take(data.event); // older: this tab was frozen
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

  /* Whether the server refused the stream: nobody is signed in, or something is between us. */
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
  document.addEventListener("visibilitychange", tick); // at once after a sleep
  setInterval(look, AGAIN_MS);
  join();

  return {
    /* Somebody has signed in: the stream is theirs from now on, in each tab. */
    again() {
      if (source) open();
      else tell({ again: true });
    },
  };
})();
