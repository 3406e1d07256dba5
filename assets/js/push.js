// The page of one's contacts: whether this phone rings, and the two presses that begin and end it.
const box = document.getElementById("push");
const form = box.querySelector("form");
const show = (now) => box.querySelectorAll("[data-when]").forEach((part) => (part.hidden = part.dataset.when !== now));
const refused = () => Notification.permission === "denied";

function end(subscription, remove) {
  remove.addEventListener("submit", async (event) => {
    event.preventDefault();
    await subscription.unsubscribe().catch(() => {});
    remove.submit();
  });
}

function begin(registration, before) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      // Made anew: what was here before may be somebody else's, and dies with this.
      if (before) await before.unsubscribe();
      const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: box.dataset.key });
      const { endpoint, keys } = made.toJSON();
      Object.entries({ endpoint, ...keys }).forEach(([name, value]) => (form.elements[name].value = value));
      form.submit();
    } catch {
      show(refused() ? "refused" : "failed");
    }
  });
}

async function start() {
  if (!isSecureContext || !navigator.serviceWorker || !window.PushManager || !window.Notification) return;
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.getSubscription();
  const tail = subscription && subscription.endpoint.slice(-12);
  const own = tail && [...document.querySelectorAll("[data-tail]")].find((each) => each.dataset.tail === tail);
  if (own) {
    own.querySelector("[data-this]").hidden = false;
    end(subscription, own.querySelector("form[data-remove]"));
    return show("on");
  }
  begin(registration, subscription);
  show(refused() ? "refused" : "ask");
}

start().catch(() => show("failed"));
