// Sends what waits. Pages and the service worker share this file; one of them at a time, behind one lock.
import * as store from "./store.js";
import { tell } from "./channel.js";

const LIMIT = 30e3;
const LEASE = LIMIT + 15e3;
const FIRST_PAUSE = 15e3;
const LAST_PAUSE = 300e3;
const REFUSALS = [400, 403, 404, 409, 410, 413, 422];

// Why a flush is made; each reason overrides more of the pauses.
export const TIMER = 0;
export const NETWORK = 1;
export const PERSON = 2;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Web Locks, or over plain http a lease in the database that ends by itself when its holder dies. */
async function alone(work) {
  if (navigator.locks) return navigator.locks.request("linli-outbox", () => work(() => {}));
  const holder = store.newKey();
  const lease = () => ({ holder, until: Date.now() + LEASE });
  const taken = (before) =>
    before && before.holder !== holder && before.until > Date.now() && before.until < Date.now() + 2 * LEASE;
  while (!(await store.swapNote("lease", (before) => (taken(before) ? undefined : lease())))) await sleep(250);
  try {
    return await work(() => store.swapNote("lease", (before) => (taken(before) ? undefined : lease())));
  } finally {
    await store.swapNote("lease", (before) => (before && before.holder === holder ? null : undefined));
  }
}

/** The answer's status and headers with what it said as JSON; null when none came. The limit holds for the body too:
    a link that dies after the headers must not keep the lock. */
async function ask(url, options) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LIMIT);
  try {
    const answer = await fetch(url, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: controller.signal,
      ...options,
    });
    const { status, ok, headers } = answer;
    return { status, ok, headers, said: (await answer.json().catch(() => null)) || {} };
  } catch (error) {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Who is signed in, with a fresh CSRF token; null when our own server did not say so. */
async function whoIsThere() {
  const answer = await ask("/session", { headers: { Accept: "application/json" } });
  return answer && answer.ok && "user" in answer.said && answer.said.csrf ? answer.said : null;
}

/** What an answer means: "sent", "refused", "stranger" (sign in again) or "waiting". A captive portal or a sign-in
    page also answers 200, so only our own receipt for this very key means sent. */
function judge(answer, key) {
  if (!answer) return { means: "waiting" };
  const { said } = answer;
  const code = answer.headers.get("Linli-Answer");
  if (answer.ok && answer.headers.get("Linli-Receipt") === key) return { means: "sent", location: said.location };
  if (answer.status === 401 || code === "csrf") return { means: "stranger" };
  if (code && REFUSALS.includes(answer.status)) {
    const { message, fields, confirm } = said;
    return { means: "refused", code, message, fields, confirm };
  }
  return {
    means: "waiting",
    own: answer.status === 500,
    busy: answer.status === 429 || answer.status >= 500,
    after: Number(answer.headers.get("Retry-After")),
  };
}

async function send(entry, session) {
  const answer = await ask(entry.url, {
    method: "POST",
    body: entry.body,
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      Accept: "application/json",
      "Idempotency-Key": entry.key,
      "X-CSRFToken": session.csrf,
    },
  });
  return judge(answer, entry.key);
}

function pause(tries, after) {
  const wait = Math.max(Math.min(FIRST_PAUSE * 2 ** tries, LAST_PAUSE), (after || 0) * 1e3);
  return Date.now() + wait * (0.8 + Math.random() * 0.4);
}

/** Send one entry and write down what came of it; answers whether the next one may be tried. */
async function deliver(entry, session) {
  let { means, own, busy, after, ...said } = await send(entry, session);
  if (means === "stranger") {
    const again = await whoIsThere();
    if (again && again.user === entry.user) ({ means, own, busy, after, ...said } = await send(entry, again));
    if (means === "stranger") said = { why: again ? "signed_out" : "network" };
  }
  if (means === "sent") {
    await store.settle(entry, said.location);
  } else if (means === "refused") {
    await store.change(entry.key, { state: "rejected", why: undefined, ...said });
  } else {
    const { tries } = entry;
    await store.change(entry.key, { why: said.why || "network", busy, tries: tries + 1, next: pause(tries, after) });
  }
  tell();
  return means === "sent" || means === "refused" || own;
}

async function sendAll(force, stillMine) {
  const tried = new Set();
  for (;;) {
    const waiting = (await store.all()).filter((entry) => entry.state === "waiting");
    const isDue = (entry) => force >= (entry.busy ? PERSON : NETWORK) || entry.next <= Date.now();
    const due = waiting.filter((entry) => !tried.has(entry.key) && isDue(entry));
    if (!due.length) return;
    await stillMine();
    const session = await whoIsThere();
    if (!session || !session.user) {
      for (const { key, tries } of due) {
        await store.change(key, {
          why: session ? "signed_out" : "network",
          tries: tries + 1,
          next: pause(tries),
        });
      }
      return tell();
    }
    const own = due.filter((entry) => entry.user === session.user);
    if (!own.length) return;
    for (const entry of own) {
      tried.add(entry.key);
      await stillMine();
      // Another context may have sent it, or the person may have taken it back, since the list was read.
      if (!(await store.get(entry.key))) continue;
      if (!(await deliver(entry, session))) return;
    }
  }
}

let running;
let wanted;

/** Send everything that waits. A hint that the network is there ends the pauses after no answer, a person also those
    after an answer that said "too busy". Many calls at once are one flush, and one more after it. */
export function flush(force) {
  if (running) {
    wanted = { force: Math.max(force, wanted ? wanted.force : TIMER) };
    return running;
  }
  running = alone((stillMine) => sendAll(force, stillMine)).finally(() => {
    const next = wanted;
    running = wanted = undefined;
    return next && flush(next.force);
  });
  return running;
}

/** When the next entry may be tried, or undefined. */
export async function nextTry() {
  const times = (await store.all()).filter((entry) => entry.state === "waiting").map((entry) => entry.next);
  return times.length ? Math.min(...times) : undefined;
}
