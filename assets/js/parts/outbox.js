// What every page does about the outbox: sends what waits, and says how much it is.
import * as store from "./store.js";
import { NETWORK, PERSON, TIMER, flush, nextTry } from "./flush.js";
import { listen } from "./channel.js";
import { say, word } from "./words.js";

const page = document.documentElement;
const LAST_PAUSE = 300e3;

/** The user whose page this is. The offline page belongs to nobody: there it is who was here last. */
export async function whose() {
  return page.dataset.user || (document.querySelector("[data-offline]") ? store.note("user") : null);
}

/** The entries of the person on this page; those of others stay hidden. */
export async function mine() {
  const me = await whose();
  return me ? (await store.all()).filter((entry) => entry.user === me) : [];
}

let timer;

/** Flush now and plan the next try. */
export async function sendNow(force = PERSON) {
  await flush(force);
  clearTimeout(timer);
  const next = await nextTry();
  if (!next) return;
  timer = setTimeout(() => sendNow(TIMER), Math.min(Math.max(next - Date.now(), 1e3), LAST_PAUSE));
  const registration = navigator.serviceWorker && (await navigator.serviceWorker.getRegistration());
  if (registration && registration.sync) registration.sync.register("outbox").catch(() => {});
}

async function count() {
  const [everything, own, signedIn] = [await store.all(), await mine(), await whose()];
  const mark = document.getElementById("unsent");
  if (mark) {
    mark.hidden = !own.length;
    mark.textContent = word("unsent", { n: own.length });
  }
  say("kept", "warn", !signedIn && everything.length ? word("kept", { n: everything.length }) : "");
}

export async function start() {
  listen(count);
  addEventListener("online", () => sendNow(NETWORK));
  addEventListener("pageshow", (event) => event.persisted && sendNow(NETWORK));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && sendNow(NETWORK));
  if (page.dataset.user && !page.dataset.savedAt) await store.setNote("user", page.dataset.user);
  await count();
  await sendNow(NETWORK);
}
