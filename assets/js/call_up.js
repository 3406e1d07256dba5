// The form of a new call-up: a press on a kind of team writes its roles into the rows, and nothing else that was typed is lost.
document.addEventListener("click", (event) => {
  const kind = event.target.closest("[data-roles]");
  if (!kind) return;
  event.preventDefault();
  const roles = JSON.parse(kind.dataset.roles);
  const rows = [...document.querySelectorAll("[data-row]")];
  rows.forEach((row, index) => {
    const [skill, count, name] = roles[index] || ["", "", ""];
    const { row: number } = row.dataset;
    for (const [part, value] of Object.entries({ count, skill, role: name })) {
      document.getElementById(`${part}_${number}`).value = value;
    }
  });
  const more = document.getElementById("more-roles");
  if (more && roles.length > rows.length - more.querySelectorAll("[data-row]").length) more.open = true;
  kind.closest("details").open = false;
  document.getElementById("count_1").focus();
});
