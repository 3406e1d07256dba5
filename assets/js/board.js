// The board asks every three seconds. When nothing answers any more it says so: nobody reads old figures as new ones.
const EVERY = 3000;
const OLD_AFTER = 10_000;
const old = document.getElementById("old");
let board = document.getElementById("board");
let tag = null;
let heard = Date.now();

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("board");
  if (!fresh) return;
  board.replaceWith(fresh);
  board = fresh;
}

async function ask() {
  const given = new AbortController();
  const limit = setTimeout(() => given.abort(), OLD_AFTER);
  try {
    const headers = { "HX-Request": "true" };
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(board.dataset.address, { headers, cache: "no-store", signal: given.signal });
    if (answer.ok) {
      show(await answer.text());
      tag = answer.headers.get("ETag");
    }
    if (answer.ok || answer.status === 304) heard = Date.now();
    // Taken back, over, signed out: the page itself says what it is.
    else if (answer.status < 500) location.reload();
  } catch {
    // The next try is three seconds away.
  } finally {
    clearTimeout(limit);
  }
  old.hidden = Date.now() - heard < OLD_AFTER;
  setTimeout(ask, EVERY);
}

setTimeout(ask, EVERY);
