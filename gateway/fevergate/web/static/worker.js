"use strict";
/* Stores a wall display's page. A tablet that starts before the gateway then shows this page, which
   says that the connection is lost, and not the browser's error page, which nobody would reload. */
const KEPT = "fevergate-display";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function fresh(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    else if (answer.status === 404) await cache.delete(request);
    else return (await cache.match(request)) || answer;
    return answer;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  const kept = request.mode === "navigate" || path.startsWith("/static/");
  if (request.method === "GET" && kept) event.respondWith(fresh(request));
});
