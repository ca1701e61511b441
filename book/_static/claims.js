// Shows the claims of one source or verdict, and opens the details of a claim that a link leads to.
// Without it the whole index is there, every claim opens by hand, and no form is shown.
const lines = [...document.querySelectorAll("table.claims tbody tr")];
const blocks = [...document.querySelectorAll("div.claim")];
for (const form of document.querySelectorAll("form.claims-filter")) {
  const filter = () => {
    const chosen = [form.source.value, form.verdict.value].filter(Boolean);
    for (const item of [...lines, ...blocks]) item.hidden = !chosen.every((name) => item.classList.contains(name));
    const left = lines.filter((line) => !line.hidden).length;
    form.querySelector("output").textContent = left ? `${left} of ${lines.length} claims` : "No claim fits.";
  };
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter(); // a browser may have kept what was chosen before
}
const open = () => {
  const block = blocks.find((each) => `#${each.id}` === location.hash);
  if (!block) return;
  block.hidden = false; // a link from the text may lead to a claim that the form hides
  block.querySelector("details").open = true;
  block.scrollIntoView();
};
for (const link of document.querySelectorAll('a[href^="#claim-"]'))
  link.addEventListener("click", () => setTimeout(open)); // also where the address stays the same
window.addEventListener("hashchange", open);
open();
