// Every page. htmx stands before this file in the built one, as it was shipped.
import * as device from "./parts/device.js";
import { onSwap } from "./parts/htmx.js";
import * as outbox from "./parts/outbox.js";
import * as store from "./parts/store.js";
import { listen, tell } from "./parts/channel.js";
import * as words from "./parts/words.js";

function showSteps(part) {
  part.querySelectorAll("[data-step]").forEach((step) => (step.hidden = false));
}

document.addEventListener("click", ({ target }) => {
  const step = target.closest("[data-step]");
  if (!step) return;
  const field = step.parentElement.querySelector("input");
  if (step.dataset.step > 0) field.stepUp();
  else field.stepDown();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

showSteps(document);
onSwap(showSteps);
device.start();
outbox.start().catch(() => {});
const summary = document.getElementById("error-summary");
if (summary) summary.focus();

// For the islands: scripts that only some pages have.
window.linli = { ...outbox, store, listen, tell, words };
