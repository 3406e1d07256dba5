// Pages on which the moment of a press counts: check in, check out, somebody who joins. The server decides what it is worth.
document.addEventListener("submit", ({ target }) => {
  const pressed = target.querySelector("[name=phone_at]");
  if (pressed) pressed.value = new Date().toISOString();
}, true);
