// Split the budget: every split of a budget into chains of revisions on one map, and where policies go on it.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleBand, scaleLinear } from "d3-scale";
import { select as d3 } from "d3-selection";
import { dataTable, difficulties, element, frame, liveSentence, prediction, slider } from "./common.js";

const SIGNS = ["◆", "●"]; // of the policies, in their order

function render({ model, el }) {
  const { budgets, groups, splits, policies, columns, source } = model.get("data");
  const indexOf = (list, wanted) => list.findIndex(({ key }) => key === wanted);
  const start = budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1;
  const parallel = (budget) => splits.findIndex(({ chains, attempts }) => chains === budgets[budget] && attempts === 1);
  const asked = { budget: start, group: groups.length - 1, split: parallel(start) };
  const selected = { ...asked };
  let guess = null;

  const words = budgets.map((n) => (n === 1 ? "1 attempt" : `${n} attempts`));
  const budget = slider("Budget", words, { input: (step) => select({ budget: step, split: parallel(step) }), change: save });
  const difficulty = difficulties(groups, (group) => { select({ group }); save(); });
  const menu = element("select", { "aria-label": "Split" });
  menu.addEventListener("change", () => { select({ split: Number(menu.value) }); save(); });
  const map = splitMap(splits, (split) => { if (payable(split)) { select({ split }); save(); } }, paint);
  const legend = element("p", { class: "ttc-key" }, `Framed: the best that the budget pays for. ${policies.map((name, i) => `${SIGNS[i]} ${name}`).join(", ")}.`);
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: problems solved, in percent, by a vote over all attempts of all chains, weighted by the judge's scores; the darker the better, from the worst of the map to its best; empty: more than the budget. " +
    "The best is found afterwards, on these problems. A policy's mark stands on each split that it gives to a tenth of the problems or more. Fifths: by the share of right ones among attempts that nobody revised. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, budget.node, difficulty.node,
    element("label", { class: "ttc-select" }, element("span", { class: "ttc-label" }, "Split, chains × attempts in each"), menu),
    map.node, legend, table.node, about);
  const question = prediction(
    `Of the ${groups[asked.group].name}, ${words[start]} side by side, with no revision, solve ${groups[asked.group].said[asked.split][0]}. ` +
      `Split the ${words[start]} into chains of revisions in the best of all ways: how many are solved?`,
    Math.round(100 * groups[asked.group].mean[asked.split]), (percent) => { guess = percent; reveal(); budget.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  el.replaceChildren(frame("Split the budget", question, result));

  function payable(split) { return splits[split].budget <= budgets[selected.budget]; }

  /** The splits that spend the whole budget, by their places, from side by side to one chain. */
  function whole() {
    return splits.map((_, index) => index).filter((index) => splits[index].budget === budgets[selected.budget])
      .toSorted((a, b) => splits[a].attempts - splits[b].attempts);
  }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    budget.step = selected.budget;
    difficulty.chosen = selected.group;
    const listed = [...new Set([...whole(), selected.split, groups[selected.group].best[selected.budget]])];
    menu.replaceChildren(...listed.map((index) => element("option", { value: index }, inMenu(index))));
    menu.value = selected.split;
    table.show(inNumbers(), whole().indexOf(selected.split));
    sentence.say(inWords());
    map.draw();
  }

  function inMenu(index) {
    const { name, chains, attempts, budget: spent } = splits[index];
    const how = attempts === 1 ? (chains === 1 ? ", one attempt" : ", side by side") : chains === 1 ? ", one chain" : "";
    return `${name}${how}${spent < budgets[selected.budget] ? `, spends ${spent}` : ""}`;
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function inWords() {
    const group = groups[selected.group];
    const [solved, interval, cost] = group.said[selected.split];
    const best = group.best[selected.budget];
    const where = selected.group ? `the ${group.name}` : "all problems";
    const isAsked = guess !== null && selected.group === asked.group && selected.budget === asked.budget;
    const guessed = isAsked ? `; you guessed ${guess}%` : "";
    const top = best === selected.split ? ` No split that ${words[selected.budget]} pay${budgets[selected.budget] > 1 ? "" : "s"} for does better${guessed}.`
      : ` The best is ${splits[best].name}: ${group.said[best][0]} (${group.said[best][1]}), ${group.said[best][2]}${guessed}.`;
    const told = policies.map((name, i) => {
      const does = group.policies[i][selected.budget];
      return does ? ` ${name} takes ${does.usual}: ${does.said[0]}, ${does.said[2]}.` : ` ${name} has no answer here.`;
    }).join("");
    const beside = group.beside[selected.budget].map(({ name, said }) => ` ${name}: ${said[0]}, ${said[2]}.`).join("");
    return `${splits[selected.split].name} solves ${solved} (${interval}) of ${where} for ${cost} a problem.${top}${told}${beside}`;
  }

  function inNumbers() {
    const { name, problems, said, policies: follow, beside } = groups[selected.group];
    const rows = [
      ...whole().map((index) => [splits[index].name, ...said[index]]),
      ...policies.flatMap((policy, i) => (follow[i][selected.budget] ? [[policy, ...follow[i][selected.budget].said]] : [])),
      ...beside[selected.budget].map((other) => [other.name, ...other.said]),
    ];
    return { caption: `${name[0].toUpperCase()}${name.slice(1)}: ${problems} problems, ${words[selected.budget]} of each`, columns, rows };
  }

  function paint({ cells, describe }) {
    const group = groups[selected.group];
    const shade = scaleLinear([Math.min(...group.mean), Math.max(...group.mean)], [4, 46]);
    const marks = group.policies.map((row) => row[selected.budget]?.marks ?? []);
    cells.classed("ttc-beyond", (_, index) => !payable(index)).classed("ttc-best", (_, index) => index === group.best[selected.budget])
      .classed("ttc-chosen", (_, index) => index === selected.split);
    cells.select("rect").style("--ttc-share", (_, index) => `${shade(group.mean[index])}%`);
    cells.select(".ttc-percent").text((_, index) => (payable(index) ? group.said[index][0].replace("%", "") : ""));
    cells.select(".ttc-signs").text((_, index) => SIGNS.filter((_, policy) => payable(index) && marks[policy]?.includes(index)).join(""));
    describe(`Map. ${inWords()}`);
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const found = { budget: budgets.indexOf(Number(state.attempts)), group: indexOf(groups, String(state.problems)), split: indexOf(splits, state.split) };
    const known = Object.fromEntries(Object.entries(found).filter(([, index]) => index >= 0));
    if (!Object.keys(known).length) return;
    Object.assign(selected, asked, known);
    if (known.split === undefined || !payable(selected.split)) selected.split = parallel(selected.budget);
    reveal();
  }

  function save() {
    model.set("state", { attempts: budgets[selected.budget], problems: groups[selected.group].key, split: splits[selected.split].key });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => { model.off("change:state", load); map.stop(); };
}

/** A map of splits, chains to the right and attempts upwards, as wide as its place. `paint` draws at every change of size. */
function splitMap(splits, choose, paint) {
  const node = element("div", { class: "ttc-chart ttc-map" });
  const svg = d3(node).append("svg").attr("role", "img");
  const [yAxis, xAxis] = [0, 1].map(() => svg.append("g").attr("class", "ttc-axis"));
  const [yText, xText] = ["attempts in each", "chains"].map((words) => svg.append("text").attr("class", "ttc-title-text").text(words));
  const along = (part) => [...new Set(splits.map((split) => split[part]))].toSorted((a, b) => a - b);
  const x = scaleBand(along("chains"), [0, 0]).padding(0.06);
  const y = scaleBand(along("attempts"), [0, 0]).padding(0.06);
  const cells = svg.append("g").selectAll("g").data(splits).join("g").attr("class", "ttc-cell").on("click", (_, split) => choose(splits.indexOf(split)));
  cells.append("rect").attr("rx", 4);
  cells.append("text").attr("class", "ttc-percent").attr("text-anchor", "middle");
  cells.append("text").attr("class", "ttc-signs").attr("text-anchor", "middle");
  let width = 0;
  const draw = () => {
    if (!width) return;
    const edge = { top: 24, right: 2, bottom: 40, left: 26 };
    const wide = Math.min(width, 560);
    const height = edge.top + edge.bottom + y.domain().length * 40;
    svg.attr("width", wide).attr("height", height);
    x.range([edge.left, wide - edge.right]);
    y.range([height - edge.bottom, edge.top]);
    yAxis.attr("transform", `translate(${edge.left},0)`).call(axisLeft(y).tickSize(0).tickPadding(5));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).tickSize(0).tickPadding(5));
    yText.attr("x", 2).attr("y", 13);
    xText.attr("x", (edge.left + wide - edge.right) / 2).attr("y", height - 5).attr("text-anchor", "middle");
    cells.attr("transform", ({ chains, attempts }) => `translate(${x(chains)},${y(attempts)})`);
    cells.select("rect").attr("width", x.bandwidth()).attr("height", y.bandwidth());
    cells.select(".ttc-percent").attr("x", x.bandwidth() / 2).attr("y", 15);
    cells.select(".ttc-signs").attr("x", x.bandwidth() / 2).attr("y", 31);
    paint({ cells, describe: (words) => svg.attr("aria-label", words) });
  };
  const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); draw(); });
  observer.observe(node);
  return { node, draw, stop: () => observer.disconnect() };
}

export default { render };
