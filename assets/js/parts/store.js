// What is kept on this phone: entries that wait to be sent, drafts, and a few notes (who was here last, what was sent).
import { openDB } from "idb";

let opened;

function database() {
  opened ??= openDB("linli", 1, {
    upgrade(db) {
      db.createObjectStore("entries", { keyPath: "key" });
      db.createObjectStore("drafts");
      db.createObjectStore("notes");
    },
    blocking(_from, _to, event) {
      event.target.close();
      opened = undefined;
    },
    terminated() {
      opened = undefined;
    },
  });
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

/** A random UUID; crypto.randomUUID is missing over plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Write an entry ahead of any sending. The same deed that already waits is not written twice. */
export async function add(entry, replacedKey) {
  const transaction = (await database()).transaction(["entries", "notes"], "readwrite", { durability: "strict" });
  const entries = transaction.objectStore("entries");
  const notes = transaction.objectStore("notes");
  if (replacedKey) await entries.delete(replacedKey);
  const twin = (await entries.getAll()).find(
    (other) => other.state === "waiting" && ["user", "url", "body"].every((name) => other[name] === entry[name]),
  );
  if (!twin) {
    const sequence = ((await notes.get("sequence")) || 0) + 1;
    notes.put(sequence, "sequence");
    entries.put({ state: "waiting", tries: 0, next: 0, at: Date.now(), sequence, ...entry });
  }
  await transaction.done;
  return twin ? twin.key : entry.key;
}

/** All entries in the order in which they were made. */
export async function all() {
  return (await (await database()).getAll("entries")).sort((one, other) => one.sequence - other.sequence);
}

export async function get(key) {
  return (await database()).get("entries", key);
}

/** Change an entry that is still there; one that was sent or deleted in between stays gone. */
export async function change(key, facts) {
  const transaction = (await database()).transaction("entries", "readwrite", { durability: "strict" });
  const entry = await transaction.store.get(key);
  if (entry) transaction.store.put({ ...entry, ...facts });
  await transaction.done;
}

export async function remove(key) {
  return (await database()).delete("entries", key);
}

/** The receipt is there: what was sent is dropped, only its label and place stay for a day. */
export async function settle(entry, location) {
  const transaction = (await database()).transaction(["entries", "notes"], "readwrite", { durability: "strict" });
  const notes = transaction.objectStore("notes");
  const fresh = ((await notes.get("sent")) || []).filter((sent) => Date.now() - sent.sentAt < 864e5).slice(-19);
  const { key, user, label } = entry;
  notes.put([...fresh, { key, user, label, location, sentAt: Date.now() }], "sent");
  notes.put(Date.now(), "deed");
  transaction.objectStore("entries").delete(key);
  await transaction.done;
}

export async function note(name) {
  return (await database()).get("notes", name);
}

export async function setNote(name, value) {
  return (await database()).put("notes", value, name);
}

/** Read a note and write its successor in one step; answers what the given function answered. */
export async function swapNote(name, successor) {
  const transaction = (await database()).transaction("notes", "readwrite");
  const before = await transaction.store.get(name);
  const after = successor(before);
  if (after !== undefined) await transaction.store.put(after, name);
  await transaction.done;
  return after;
}

export async function draft(name) {
  return (await database()).get("drafts", name);
}

export async function setDraft(name, body) {
  const db = await database();
  return body === undefined ? db.delete("drafts", name) : db.put("drafts", body, name);
}
