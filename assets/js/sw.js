// Hand-written. Hashed files from the cache; pages that allow it shown at once from this person's own cache and
// renewed behind; everything else from the network. The server puts `self.LINLI = {version, files}` before this file.
import { NETWORK, flush, nextTry } from "./parts/flush.js";
import { note, setNote } from "./parts/store.js";

const { version, files } = self.LINLI;
const FILES = `linli-files-${version}`;
const PATIENCE = 4000;
// What is new in each rendering and says nothing.
const ONCE = /name="(csrf_token|_key|opened)" value="[^"]*"/g;

const pagesOf = (user) => caches.open(`linli-pages-${user}`);

async function forgetPages() {
  const names = (await caches.keys()).filter((name) => name.startsWith("linli-pages"));
  await Promise.all(names.map((name) => caches.delete(name)));
}

async function keepOfflinePage() {
  const answer = await fetch("/offline", { cache: "no-store", credentials: "same-origin" });
  if (answer.ok) await (await caches.open(FILES)).put("/offline", answer);
}

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => Promise.all([cache.addAll(files), keepOfflinePage()])));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("linli-files") && name !== FILES);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", ({ data }) => {
  if (data === "take-over") self.skipWaiting();
});

/** The browser wakes this worker again later when the promise fails. */
async function flushOrFail() {
  await flush(NETWORK);
  if (await nextTry()) throw new Error("not sent yet");
}

self.addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(flushOrFail());
});

/** What was pushed stands in words; where the push service or somebody else says something else, it is said plainly. */
async function ring(event) {
  const said = await Promise.resolve().then(() => event.data.json()).catch(() => ({}));
  const { id, title, body, page, lang } = said;
  await self.registration.showNotification(String(title || "邻里 Linli"), {
    body: String(body || ""),
    tag: id,
    lang,
    icon: "/static/icons/icon-180.png",
    data: page,
  });
}

self.addEventListener("push", (event) => {
  event.waitUntil(Promise.all([ring(event), flush(NETWORK).catch(() => {})]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const page = new URL(event.notification.data || "/notifications", location.origin);
  event.waitUntil(self.clients.openWindow(page.origin === location.origin ? page.href : "/notifications"));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST") {
    if (request.mode === "navigate") event.respondWith(deed(event, url));
    else event.waitUntil(setNote("deed", Date.now()));
  } else if (request.mode === "navigate") {
    event.respondWith(page(event, url));
  } else if (url.pathname.startsWith("/static/")) {
    event.respondWith(file(request));
  }
});

async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(FILES)).put(request, answer.clone());
  return answer;
}

/** A plain form. Signing in or out, another language or size: what was kept may be somebody else's or look wrong. */
async function deed(event, url) {
  const changesPerson = url.pathname.startsWith("/accounts/");
  await setNote("deed", Date.now()).catch(() => {});
  if (changesPerson) await setNote("user", null).catch(() => {});
  if (/sign-out/.test(url.pathname)) event.waitUntil(silence().catch(() => {}));
  const answer = await fetch(event.request);
  if (changesPerson) event.waitUntil(forgetPages().then(keepOfflinePage).catch(() => {}));
  return answer;
}

/** Who has signed out here is not told here any more. */
async function silence() {
  const subscription = await self.registration.pushManager.getSubscription();
  if (subscription) await subscription.unsubscribe();
}

async function page(event, url) {
  const { request } = event;
  const address = url.pathname + url.search;
  const user = await note("user").catch(() => null);
  const kept = user ? await (await pagesOf(user)).match(address, { ignoreVary: true }) : undefined;
  const fresh = renew(event, request, address, kept && (await kept.clone().text()));
  event.waitUntil(fresh);
  if (!kept) return fresh.then((answer) => answer || noNetwork());
  const isCurrent = Number(kept.headers.get("Linli-Saved-At")) > ((await note("deed").catch(() => 0)) || 0);
  if (isCurrent && request.cache === "default") return kept;
  // After a deed, or when the person asked for the page again, the network is given a chance first.
  const late = new Promise((done) => setTimeout(done, PATIENCE));
  return (await Promise.race([fresh, late])) || kept;
}

async function noNetwork() {
  return (await caches.match("/offline")) || Response.error();
}

/** Fetch a page, keep it where it says so, and tell the page that shows the kept one how they differ. */
async function renew(event, request, address, before) {
  const answer = await fetch(request).catch(() => undefined);
  if (!answer) return undefined;
  if (answer.type === "basic" && /^text\/html/.test(answer.headers.get("Content-Type"))) {
    event.waitUntil(keep(answer.clone(), address, before, event.resultingClientId).catch(() => {}));
  } else if (before && answer.type === "opaqueredirect") {
    event.waitUntil(tell(event.resultingClientId, { newer: address, same: false }));
  }
  return answer;
}

const userOf = (html) => (html.match(/<html[^>]* data-user="([^"]+)"/) || [])[1] || null;

async function keep(answer, address, before, client) {
  const text = await answer.text();
  const user = userOf(text);
  if (answer.ok && !answer.redirected) await setNote("user", user);
  const sayNewer = (same) => before && tell(client, { newer: address, same });
  // Signed out meanwhile, or somebody else: what is shown is not theirs.
  if (before && user !== userOf(before)) return sayNewer(false);
  if (!user || !answer.ok || answer.redirected || answer.headers.get("X-Offline") !== "keep") return sayNewer(false);
  const now = Date.now();
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  headers.set("Linli-Saved-At", now);
  const marked = text.replace("<html", `<html data-saved-at="${now}"`);
  await (await pagesOf(user)).put(address, new Response(marked, { headers }));
  const plain = (html) => html.replace(ONCE, "").replace(/ data-saved-at="\d+"/, "");
  return sayNewer(before && plain(before) === plain(text));
}

/** The page may still be loading when its newer self arrives: try for a while until it is there. */
async function tell(id, message) {
  for (let tries = 0; tries < 20; tries += 1) {
    const client = id && (await self.clients.get(id));
    if (client) return client.postMessage(message);
    await new Promise((done) => setTimeout(done, 100));
  }
}
