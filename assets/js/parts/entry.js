// What a person can read about an entry of the outbox, and agree to; for the islands.
const { sendNow, store, tell, words } = window.linli;

/** [tone, sentences] of an entry. */
export function reading(entry) {
  const { label } = entry;
  if (entry.state === "rejected") {
    const fields = Object.values(entry.fields || {}).flat();
    return ["bad", [words.word("rejected", { label }), entry.message, ...fields]];
  }
  return ["warn", [words.word(entry.why === "signed_out" ? "signed_out" : "waiting", { label }), entry.until]];
}

/** One tap agrees to what the server said (a new price): the same entry under a new key with the new version. */
export async function agree({ user, url, label, from, until, confirm, body, key }, adopt = () => {}) {
  const values = new URLSearchParams(body);
  for (const name in confirm) values.set(name, confirm[name]);
  const entry = { key: store.newKey(), user, url, label, from, until, body: values.toString() };
  adopt(await store.add(entry, key));
  tell();
  return sendNow();
}
