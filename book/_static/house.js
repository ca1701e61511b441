// Light or dark as the reader chose, or as their system is; on paper always light. (Without scripts a page is light.)
{
  const page = document.documentElement.dataset;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  page.mode = localStorage.getItem("mode") || "auto";
  const set = () => {
    const chosen = page.mode === "auto" ? (dark.matches ? "dark" : "light") : page.mode;
    page.theme = paper.matches ? "light" : chosen;
  };
  paper.addEventListener("change", set);
  set();
}

// A table too wide for its place scrolls, and whoever has no mouse must be able to reach it.
{
  const reach = new ResizeObserver((tables) => {
    for (const { target: table } of tables) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  });
  addEventListener("DOMContentLoaded", () => document.querySelectorAll(".bd-article table").forEach((table) => reach.observe(table)));
}
