// Shows the claims of one source or verdict. Without it the whole table is there, and no form.
for (const form of document.querySelectorAll("form.claims-filter")) {
  const rows = [...document.querySelectorAll("table.claims tbody tr")];
  const filter = () => {
    const chosen = [form.source.value, form.verdict.value].filter(Boolean);
    for (const row of rows) row.hidden = !chosen.every((name) => row.classList.contains(name));
    const left = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = left ? `${left} of ${rows.length} claims` : "No claim fits.";
  };
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter(); // a browser may have kept what was chosen before
}
