// Pages with a form that goes through the outbox, has a draft, or signs out; the form_open macro brings this file.
import { agree, reading } from "./parts/entry.js";

const { listen, mine, sendNow, store, tell, words } = window.linli;
const { button, element, link, say, word } = words;
const page = document.documentElement;
const NOT_KEPT = ["csrf_token", "_key"];
const PATIENCE = 1500;
const DRAFT_AFTER_SUBMIT = 18e5;

const pathOf = (form) => new URL(form.action).pathname;
const draftOf = (form) => [page.dataset.user, location.pathname, pathOf(form)].join(" ");

function typed(form, submitter) {
  const data = new FormData(form);
  if (submitter && submitter.name) data.append(submitter.name, submitter.value);
  NOT_KEPT.forEach((name) => data.delete(name));
  return new URLSearchParams(data).toString();
}

function fill(form, body) {
  const values = new URLSearchParams(body);
  for (const field of form.elements) {
    if (!field.name || NOT_KEPT.includes(field.name) || ["submit", "file", "hidden"].includes(field.type)) continue;
    const given = values.getAll(field.name);
    if (field.type === "checkbox" || field.type === "radio") field.checked = given.includes(field.value);
    else if (given.length) field.value = given[0];
  }
}

/** What is being sent in the person's own words: the form's, and what was counted or chosen in it. */
function labelOf(form) {
  const counted = [...form.querySelectorAll("[data-name]")].filter((field) =>
    field.type === "checkbox" || field.type === "radio" ? field.checked : Number(field.value) > 0,
  );
  const parts = counted.map((field) => field.dataset.name + (field.type === "number" ? ` × ${field.value}` : ""));
  return [form.dataset.outbox, parts.join(", ")].filter(Boolean).join(" · ");
}

function stand(form, tone, sentences, ...actions) {
  let box = form.querySelector("[data-stand]");
  if (!box) {
    box = element("div", { role: "status" });
    box.dataset.stand = "";
    form.append(box);
  }
  box.className = `notice ${tone}`;
  box.replaceChildren(...sentences.filter(Boolean).map((text) => element("p", { textContent: text })), ...actions);
}

/** Say in the form how its entry stands; when its receipt is there, go where the answer lies. */
async function show(form) {
  const { key } = form.dataset;
  const entry = key && (await store.get(key));
  if (entry) {
    const [tone, sentences] = reading(entry);
    if (entry.state === "waiting") {
      const signIn = entry.why === "signed_out" ? [link("sign_in", "/accounts/sign-in")] : [];
      stand(form, tone, sentences, ...signIn, link("see", "/outbox"));
    } else {
      const agreeing = entry.confirm ? [button("confirm", () => agree(entry, (next) => hold(form, next)), "")] : [];
      stand(form, tone, [form.dataset.failed, ...sentences], ...agreeing);
    }
  } else if (key) {
    delete form.dataset.key;
    const sent = ((await store.note("sent")) || []).find((one) => one.key === key);
    if (!sent) return form.querySelector("[data-stand]").remove();
    stand(form, "good", [word("sent", sent)]);
    if (sent.location && document.visibilityState === "visible") location.assign(sent.location);
  }
}

/** This form is about this entry from now on. */
function hold(form, key) {
  form.dataset.key = key;
  return show(form);
}

async function send(event) {
  const form = event.target;
  if (event.defaultPrevented || !page.dataset.user) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const entry = {
    key: store.newKey(),
    user: page.dataset.user,
    url: pathOf(form),
    from: location.pathname + location.search,
    body: typed(form, event.submitter),
    label: labelOf(form),
    until: form.dataset.until,
  };
  stand(form, "warn", [word("sending", entry)]);
  try {
    const before = form.dataset.key && (await store.get(form.dataset.key));
    form.dataset.key = await store.add(entry, before && before.state === "rejected" ? before.key : undefined);
    await store.setDraft(draftOf(form), undefined);
  } catch (error) {
    // This browser keeps nothing (private mode, full): the plain form is sent, with the key it was rendered with.
    form.submit();
    return;
  }
  delete form.dataset.dirty;
  tell();
  const patience = setTimeout(() => show(form), PATIENCE);
  await sendNow();
  clearTimeout(patience);
  delete form.dataset.busy;
  await show(form);
}

/** Nobody signs out of what is not sent; and what was kept of the pages goes with the person. */
async function signOut(event) {
  event.preventDefault();
  const unsent = (await mine().catch(() => [])).length;
  if (unsent) {
    say("out", "bad", word("sign_out", { n: unsent }), link("see", "/outbox"));
    document.getElementById("said-out").scrollIntoView();
    return;
  }
  if (self.caches) {
    const names = (await caches.keys()).filter((name) => name.startsWith("linli-pages"));
    await Promise.all(names.map((name) => caches.delete(name)));
  }
  await store.setNote("user", null).catch(() => {});
  event.target.submit();
}

function saveDraft(form, sentAt) {
  if (form.matches("[data-draft]") && page.dataset.user) {
    store.setDraft(draftOf(form), { body: typed(form), sentAt }).catch(() => {});
  }
}

/** A form that comes onto the page: what waits or was refused for it, or else its draft. */
async function welcome(form, entries) {
  const edited = new URLSearchParams(location.hash.slice(1)).get("edit");
  const open = entries.filter((one) => one.url === pathOf(form));
  const entry = open.find((one) => one.key === edited) || open.filter((one) => one.state === "waiting").pop();
  if (entry) {
    fill(form, entry.body);
    await hold(form, entry.key);
  } else if (form.matches("[data-draft]") && !form.querySelector("[aria-invalid=true]")) {
    const draft = await store.draft(draftOf(form));
    // A plain form says nothing about its fate: what was typed comes back for half an hour after it was sent.
    if (draft && !(draft.sentAt < Date.now() - DRAFT_AFTER_SUBMIT)) fill(form, draft.body);
  }
}

async function start() {
  document.addEventListener("input", ({ target: { form } }) => {
    if (!form) return;
    form.dataset.dirty = "1";
    saveDraft(form);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-outbox]")) return send(event);
    if (form.matches("[data-sign-out]")) return signOut(event);
    delete form.dataset.dirty;
    saveDraft(form, Date.now());
  });
  listen(() => document.querySelectorAll("form[data-key]").forEach((form) => form.dataset.busy || show(form)));
  const entries = await mine().catch(() => []);
  document.querySelectorAll("form[data-outbox], form[data-draft]").forEach((form) => welcome(form, entries));
}

// Each form brings this file; it acts once.
if (!window.linli.forms) {
  window.linli.forms = true;
  start();
}
