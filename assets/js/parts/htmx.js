// The only module that knows htmx's events.
import { newKey } from "./store.js";
import { say, word } from "./words.js";

const { htmx } = window;

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "409|422", swap: true, error: false },
    { code: "...", swap: false, error: true },
  ],
});

/** Calls the given function with each part that htmx puts onto the page. */
export function onSwap(act) {
  document.addEventListener("htmx:afterSwap", (event) => act(event.detail.target));
}

// Every changing request has its own key, made when it is sent; the rendered one is for forms without scripts.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "get") return;
  delete detail.parameters._key;
  detail.headers["Idempotency-Key"] = newKey();
});
document.addEventListener("htmx:beforeRequest", () => say("answer", ""));
document.addEventListener("htmx:sendError", () => say("answer", "bad", word("no_answer")));
document.addEventListener("htmx:timeout", () => say("answer", "bad", word("no_answer")));
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  // Our own refusals are sentences; anything else that answered was not us, or broke.
  const own = xhr.getResponseHeader("Linli-Answer");
  const said = own && new DOMParser().parseFromString(xhr.responseText, "text/html").body.textContent.trim();
  say("answer", "bad", said || word("no_answer"));
});
