// The list of what waits on this phone: on the outbox page and on the page that is shown without network.
import { agree, reading } from "./parts/entry.js";

const { listen, mine, sendNow, store, tell } = window.linli;

const list = document.getElementById("entries");
const pattern = document.getElementById("entry");
const empty = document.getElementById("no-entries");
const again = document.getElementById("send-again");

function row(entry) {
  const part = pattern.content.cloneNode(true);
  const [tone, sentences] = reading(entry);
  const at = (name) => part.querySelector(`[data-at=${name}]`);
  const refused = entry.state === "rejected";
  at("label").textContent = entry.label;
  at("time").textContent = new Date(entry.at).toLocaleString(document.documentElement.lang, {
    month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  });
  at("said").replaceChildren(...sentences.filter(Boolean).map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  at("said").className = `notice ${tone}`;
  at("waits").hidden = refused;
  at("refused").hidden = !refused;
  at("sign-in").hidden = entry.why !== "signed_out";
  at("edit").href = `${entry.from}#edit=${entry.key}`;
  at("edit").hidden = !refused;
  at("agree").hidden = !(refused && entry.confirm);
  at("agree").onclick = () => agree(entry);
  at("remove").onclick = async () => {
    await store.remove(entry.key);
    tell();
  };
  return part;
}

async function show() {
  const entries = await mine();
  const open = new Set([...list.querySelectorAll("li")].filter((item) => item.querySelector("details[open]")).map((item) => item.dataset.key));
  list.replaceChildren(...entries.map((entry) => {
    const part = row(entry);
    const item = part.querySelector("li");
    item.dataset.key = entry.key;
    item.querySelector("details").open = open.has(entry.key);
    return part;
  }));
  empty.hidden = entries.length > 0;
  again.hidden = !entries.some((entry) => entry.state === "waiting");
}

again.onclick = async () => {
  again.disabled = true;
  await sendNow();
  again.disabled = false;
  show();
};
listen(show);
show();
