// What this phone can do: the service worker and its updates, pages kept for offline, plain http.
import { button, hour, say, word } from "./words.js";

const page = document.documentElement;
let touched = false;

const dirty = () => Boolean(document.querySelector("form[data-dirty]"));

function offer(worker) {
  // The person says when; a form that is being filled in is never reloaded away.
  say("update", "info", word("update"), button("refresh", () => worker.postMessage("take-over")));
}

async function register() {
  const hadWorker = Boolean(navigator.serviceWorker.controller);
  const registration = await navigator.serviceWorker.register("/sw.js");
  if (registration.waiting && hadWorker) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing.addEventListener("statechange", () => {
      if (installing.state === "installed" && navigator.serviceWorker.controller) offer(installing);
    });
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => hadWorker && !dirty() && location.reload());
}

function onNewer({ data }) {
  if (!data || data.newer !== location.pathname + location.search || !page.dataset.savedAt) return;
  if (data.same) {
    delete page.dataset.savedAt;
    say("saved", "");
  } else if (!touched && !dirty()) {
    location.reload();
  } else {
    say("saved", "info", word("newer"), button("refresh", () => location.reload()));
  }
}

export function start() {
  const savedAt = Number(page.dataset.savedAt);
  if (savedAt) say("saved", "info", word("as_of", { time: hour(savedAt) }));
  const insecure = document.getElementById("insecure");
  if (insecure) insecure.hidden = isSecureContext;
  if (!isSecureContext || !navigator.serviceWorker) return;
  for (const event of ["pointerdown", "keydown", "scroll"]) {
    addEventListener(event, () => (touched = true), { once: true, passive: true });
  }
  navigator.serviceWorker.addEventListener("message", onNewer);
  navigator.serviceWorker.startMessages();
  register().catch(() => {});
}
