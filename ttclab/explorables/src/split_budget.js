// Split the budget: the recorded splits of a budget into chains of revisions on one map, and where policies go on it.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleBand, scaleLinear } from "d3-scale";
import { canvas } from "./chart.js";
import { captionOf, difficulties, element, menu, slider } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {{ key: string, name: string, chains: number, attempts: number, budget: number }} Split
 * @typedef {{ marks: number[], usual: string, said: string[] }} Follows What a policy does with a budget in a group.
 * @typedef {{ name: string, said: string[] }} Other
 * @typedef {import("./controls.js").Group & { mean: number[], said: string[][], best: number[], policies: (Follows | null)[][],
 *   beside: Other[][] }} Group
 * @typedef {{ model: string, budgets: number[], groups: Group[], splits: Split[], policies: string[], columns: string[] }} Data
 */

const SIGNS = ["◆", "●"]; // of the policies, in their order

/** @param {import("./view.js").Context} context */
export function split_budget(context) {
  /** @type {Data} */
  const { model, budgets, groups, splits, policies, columns } = context.model.get("data");
  const start = budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1;
  const first = { budget: start, group: groups.length - 1, split: parallel(start) };
  const view = new View(context, first, {
    budget: oneOf("attempts", budgets), group: oneOf("problems", groups.map(({ key }) => key)),
    split: oneOf("split", splits.map(({ key }) => key)),
  }, ({ split }) => { if (split === undefined || !payable(split)) selected.split = parallel(selected.budget); });
  const { selected } = view;

  const attempts = budgets.map((n) => (n === 1 ? "1 attempt" : `${n} attempts`));
  const budget = slider("Budget", attempts, {
    input: (step) => view.select({ budget: step, split: parallel(step) }), change: () => view.save(),
  });
  const difficulty = difficulties(groups, view.choose("group"));
  const split = menu("Split: chains × attempts in each", "Split", () => view.change({ split: split.value }));
  const map = splitMap(splits, (index) => { if (payable(index)) view.change({ split: index }); }, paint);
  const signs = policies.map((name, i) => `${SIGNS[i]} ${name}`).join(", ");
  const legend = element("p", { class: "ttc-key" }, `Underlined: the split chosen above. Framed: the best split that the budget pays for. ${signs}.`);

  /**
   * The split into attempts side by side.
   *
   * @param {number} step
   */
  function parallel(step) { return splits.findIndex((each) => each.chains === budgets[step] && each.attempts === 1); }

  /** @param {number} index */
  function payable(index) { return splits[index].budget <= budgets[selected.budget]; }

  /** The splits that spend the whole budget, by their places, from side by side to one chain. */
  function whole() {
    return [...splits.keys()].filter((index) => splits[index].budget === budgets[selected.budget])
      .toSorted((a, b) => splits[a].attempts - splits[b].attempts);
  }

  function update() {
    budget.step = selected.budget;
    difficulty.chosen = selected.group;
    const listed = [...new Set([...whole(), selected.split, groups[selected.group].best[selected.budget]])];
    split.entries = listed.map((index) => [index, inMenu(index)]);
    split.value = selected.split;
  }

  /** @param {number} index */
  function inMenu(index) {
    const { name, chains, attempts: length, budget: spent } = splits[index];
    const how = length === 1 ? (chains === 1 ? ", one attempt" : ", side by side") : chains === 1 ? ", one chain" : "";
    return `${name}${how}${spent < budgets[selected.budget] ? `, spends ${spent}` : ""}`;
  }

  function words() {
    const group = groups[selected.group];
    const [solved, interval, cost] = group.said[selected.split];
    const best = group.best[selected.budget];
    const guessed = view.isAsked("group", "budget") ? `; you guessed ${view.guess}%` : "";
    const top = best === selected.split
      ? ` No split on the map that ${attempts[selected.budget]} pay${budgets[selected.budget] > 1 ? "" : "s"} for does better${guessed}.`
      : ` The best split is ${splits[best].name}: ${group.said[best][0]} (${group.said[best][1]}), ${group.said[best][2]}${guessed}.`;
    const follow = policies.map((name, i) => {
      const does = group.policies[i][selected.budget];
      return does ? ` ${name} takes ${does.usual}: ${does.said[0]}, ${does.said[2]}.` : ` ${name} has no recorded result here.`;
    }).join("");
    const beside = group.beside[selected.budget].map(({ name, said }) => ` ${name}: ${said[0]}, ${said[2]}.`).join("");
    const where = selected.group ? `the ${group.name}` : "all problems";
    return `${splits[selected.split].name} solves ${solved} (${interval}) of ${where} for ${cost} per problem.${top}${follow}${beside}`;
  }

  /** @returns {[Table, number]} */
  function numbers() {
    const group = groups[selected.group];
    const rows = [
      ...whole().map((index) => [splits[index].name, ...group.said[index]]),
      ...policies.flatMap((policy, i) => {
        const does = group.policies[i][selected.budget];
        return does ? [[policy, ...does.said]] : [];
      }),
      ...group.beside[selected.budget].map((other) => [other.name, ...other.said]),
    ];
    return [{ caption: `${captionOf(group)}, ${attempts[selected.budget]} of each`, columns, rows }, whole().indexOf(selected.split)];
  }

  /** @param {{ cells: Cells, describe: (words: string) => void }} map */
  function paint({ cells, describe }) {
    const group = groups[selected.group];
    const shade = scaleLinear([Math.min(...group.mean), Math.max(...group.mean)], [3, 70]);
    const marks = group.policies.map((row) => row[selected.budget]?.marks ?? []);
    const signsAt = (/** @type {number} */ index) => SIGNS.filter((_, policy) => payable(index) && marks[policy]?.includes(index)).join("");
    cells.classed("ttc-beyond", (_, index) => !payable(index)).classed("ttc-best", (_, index) => index === group.best[selected.budget])
      .classed("ttc-chosen", (_, index) => index === selected.split);
    cells.select("rect").style("--ttc-share", (_, index) => `${shade(group.mean[index])}%`);
    cells.select(".ttc-percent").text((_, index) => (payable(index) ? group.said[index][0].replace("%", "") : ""));
    cells.select(".ttc-signs").text((_, index) => signsAt(index));
    describe(`Map. ${words()}`);
  }

  /** The map before the guess: what the attempts side by side solve, and question marks for the other splits of as many. */
  function askedMap() {
    const { node, stop } = splitMap(splits, () => {}, ({ cells, describe }) => {
      const known = groups[first.group].said[first.split][0];
      cells.classed("ttc-beyond", (_, index) => splits[index].budget !== budgets[start])
        .classed("ttc-chosen", (_, index) => index === first.split);
      cells.select("rect").style("--ttc-share", "4%");
      cells.select(".ttc-percent").text((_, index) => {
        return index === first.split ? known.replace("%", "") : splits[index].budget === budgets[start] ? "?" : "";
      });
      describe(`The question: ${attempts[start]} side by side solve ${known}; what do the other splits solve?`);
    });
    return { node, move: () => {}, stop };
  }

  const hardest = groups[first.group];
  return view.mount({
    title: "Split the budget",
    guess: {
      question: `With ${attempts[start]} side by side and no revision, ${model} solves ${hardest.said[first.split][0]} of its ` +
        `${hardest.name}. Now split the ${attempts[start]} into chains of revisions, in the best way on the map: how much is solved?`,
      far: [hardest.mean[first.split], hardest.mean[hardest.best[start]]], focus: budget, picture: askedMap(),
    },
    body: [budget.node, difficulty.node, split.node, map.node, legend, view.sentence.node, view.table.node],
    about: "Shown: problems solved, in percent; the stronger the color, the more. Dashed: above the budget. No field: not recorded. The verifier " +
      "chooses the answer: in one chain the solution with the best score, among several chains by weighted vote. A chain ends at the first " +
      "solution that the verifier accepts. The best split is chosen in hindsight, on these problems. The lesson's rule takes samples for " +
      "problems that look easy, and chains for others. The fitted policy is told each problem's difficulty for free, and takes the cheapest " +
      "split within a point of the best on validation problems of that fifth. A policy's mark stands on each split that " +
      "it gives to at least a tenth of the problems.",
    update, words, numbers, picture: map,
  });
}

/** @typedef {import("d3-selection").Selection<import("d3-selection").BaseType | SVGGElement, Split, SVGGElement, unknown>} Cells */

/**
 * A map of splits, chains to the right and attempts upwards.
 *
 * @param {Split[]} splits
 * @param {(index: number) => void} choose
 * @param {(map: { cells: Cells, describe: (words: string) => void }) => void} paint
 */
function splitMap(splits, choose, paint) {
  const along = (/** @type {"chains" | "attempts"} */ part) => [...new Set(splits.map((split) => split[part]))].toSorted((a, b) => a - b);
  const x = scaleBand(along("chains"), [0, 0]).padding(0.06);
  const y = scaleBand(along("attempts"), [0, 0]).padding(0.06);
  const { svg, yAxis, xAxis, layer, yText, xText, describe, ...chart } = canvas((width) => {
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
    paint({ cells, describe });
  }, "ttc-map");
  yText.text("attempts in each chain");
  xText.text("number of chains");
  const cells = layer.selectAll("g").data(splits).join("g").attr("class", "ttc-cell")
    .on("click", (_, split) => choose(splits.indexOf(split)));
  cells.append("rect").attr("rx", 4);
  cells.append("text").attr("class", "ttc-percent").attr("text-anchor", "middle");
  cells.append("text").attr("class", "ttc-signs").attr("text-anchor", "middle");
  return chart;
}
