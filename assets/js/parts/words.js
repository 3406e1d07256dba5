// The page brings its words in its own language; scripts have none.
const given = document.getElementById("words");
const words = given ? JSON.parse(given.textContent) : {};

export function word(name, values = {}) {
  return (words[name] || "").replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function link(name, href) {
  return element("a", { href, className: "button second", textContent: word(name) });
}

export function button(name, act, kind = "second") {
  return element("button", { type: "button", className: `button ${kind}`, textContent: word(name), onclick: act });
}

/** Say one thing at the head of the page; the same place says only the newest. */
export function say(place, tone, text, ...children) {
  const said = document.getElementById("said");
  const before = document.getElementById(`said-${place}`);
  if (before) before.remove();
  if (text && said) {
    said.append(element("div", { id: `said-${place}`, className: `notice ${tone}` }, element("p", { textContent: text }), ...children));
  }
}

/** 10:32 of a moment, in the page's language. */
export function hour(moment) {
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false });
}
