// Scaling curves: accuracy of each strategy by FLOPs, with one pass of the large model as a dashed line.
import { askedChart, budgetChart, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, mark, nameLines } from "./chart.js";
import { captionOf, choices, difficulties, problemsOf, slider, toggles } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {[mean: number, low: number, high: number, flops: number, solved: string, cost: string]} Point
 * @typedef {object} Curve The curve of a strategy.
 * @property {Point[]} points
 * @property {number[]} payable index of the most expensive affordable point for each budget, -1 for none
 * @property {string[][]} minus difference of each point to each opponent, in words
 *
 * @typedef {import("./controls.js").Group & { curves: Curve[], budgets: number[], said: string[], large: Point[] }} Group
 * @typedef {{ key: string, name: string, ways: string[] }} Strategy
 * @typedef {{ shares: string[], strategies: Strategy[], opponents: string[], opponent: number, asked: number, groups: Group[],
 *   columns: string[] }} Data
 */

const [MEAN, LOW, HIGH, FLOPS, SOLVED, COST] = /** @type {const} */ ([0, 1, 2, 3, 4, 5]); // of a point
const HIDDEN = ["single", "orm", "prm-14x", "oracle"]; // at first: so many names beside the lines stand far from them
const TICKS = [1e6, 1e7, 1e8, 1e9, 1e10];

/** @param {import("./view.js").Context} context */
export function scaling_curves(context) {
  /** @type {Data} */
  const { shares, strategies, opponents, opponent, asked, groups, columns } = context.model.get("data");
  const all = [...strategies.keys()];
  const first = { shown: all.filter((index) => !HIDDEN.includes(strategies[index].key)), group: 0, opponent, budget: asked };
  const view = new View(context, first, {
    shown: { key: "shown", read: named, write: (shown) => shown.map((index) => strategies[index].key).join(" ") },
    group: oneOf("problems", groups.map(({ key }) => key)), opponent: oneOf("large", opponents), budget: oneOf("budget", shares),
  });
  const { selected } = view;

  const shown = toggles("Strategies of the small model", strategies.map(({ name }) => name), (index) => {
    view.change({ shown: all.filter((each) => selected.shown.includes(each) !== (each === index)) });
  });
  const difficulty = difficulties(groups, view.choose("group"));
  const large = choices("Training of the 14x model", opponents, view.choose("opponent"));
  const budget = slider("Budget", shares.map((share) => `${share} one pass of the 14x model`), view.drag("budget"));
  const points = groups.flatMap(({ curves }) => curves.flatMap((curve) => curve.points));
  const costs = [...groups.flatMap(({ budgets }) => budgets), ...points.map((point) => point[FLOPS])];
  const domain = [Math.min(...costs) / 1.2, Math.max(...costs)];
  /** @type {import("./chart.js").Axis} */
  const axis = {
    domain, ticks: TICKS.filter((n) => n > domain[0] && n < domain[1]), format: (n) => `${n / 1e6}`,
    title: "million FLOPs per problem", at: (step) => group().budgets[step],
  };
  const chart = budgetChart(shares.length, "problems solved", { choose: view.choose("budget"), paint, axis });

  /**
   * The strategies named in a state; the selection may be empty.
   *
   * @param {string} text
   */
  function named(text) {
    const keys = text.split(" ");
    const found = all.filter((index) => keys.includes(strategies[index].key));
    return found.length || text === "" ? found : undefined;
  }

  function group() { return groups[selected.group]; }

  /**
   * Whether a strategy is one point, whose name stands beside it.
   *
   * @param {number} index
   */
  function isPoint(index) { return groups[0].curves[index].points.length === 1; }

  /** @param {Point} point */
  function share(point) { return point[SOLVED].split(" ")[0]; }

  /**
   * The point of a strategy for the selected group and budget; null if no point is affordable.
   *
   * @param {number} index
   */
  function reached(index) {
    const { points, payable, minus } = group().curves[index];
    const way = payable[selected.budget];
    return way < 0 ? null : { index, point: points[way], what: strategies[index].ways[way], minus: minus[way][selected.opponent] };
  }

  function best() {
    const found = selected.shown.flatMap((index) => reached(index) ?? []);
    return found.length ? found.reduce((a, b) => (a.point[MEAN] >= b.point[MEAN] ? a : b)) : null;
  }

  function update() {
    shown.on = selected.shown;
    difficulty.chosen = selected.group;
    large.chosen = selected.opponent;
    budget.step = selected.budget;
  }

  function words() {
    const { said, large: passes } = group();
    const pass = passes[selected.opponent];
    const other = `One pass of the 14x model, trained for ${opponents[selected.opponent]}, solves ${pass[SOLVED]} for ${pass[COST]}.`;
    const found = best();
    if (!found) return `For ${said[selected.budget]} a problem no strategy that is shown can be paid. ${other}`;
    const { index, what, point, minus } = found;
    return `For at most ${said[selected.budget]} a problem, the best of those shown is ${strategies[index].name}, ${what}: ` +
      `${point[SOLVED]} of ${problemsOf(groups, selected.group)} for ${point[COST]}.${view.guessed()} ${other} The small model minus the 14x model: ${minus} points.`;
  }

  /** @returns {[Table, number | undefined]} */
  function numbers() {
    const { said, large: passes } = group();
    const rows = strategies.map(({ name }, index) => {
      const found = reached(index);
      return found ? [name, found.what, found.point[SOLVED], found.point[COST], found.minus] : [name, "costs too much", "", "", ""];
    });
    const pass = passes[selected.opponent];
    rows.push(["14x", `1 pass, ${opponents[selected.opponent]}`, pass[SOLVED], pass[COST], ""]);
    return [{ caption: `${captionOf(group())}, for at most ${said[selected.budget]}`, columns, rows }, best()?.index];
  }

  /** @param {import("./chart.js").Plot} plot */
  function paint(plot) {
    const { x, y, right } = plot;
    const { curves, budgets, large: passes } = group();
    const here = budgets[selected.budget];
    const pass = passes[selected.opponent];
    const found = best();
    const name = (/** @type {number} */ index) => `ttc-s-${strategies[index].key}`;
    const drawn = (/** @type {number} */ index, /** @type {0 | 1 | 2 | 3} */ part) =>
      (selected.shown.includes(index) ? curves[index].points : []).map((point) => point[part]);

    for (const index of all) drawBand(plot, drawn(index, FLOPS), drawn(index, LOW), drawn(index, HIGH), name(index));
    drawRule(plot, here);
    drawLine(plot, "ttc-s-large", x.domain(), [pass[MEAN], pass[MEAN]]);
    for (const index of all) drawLine(plot, name(index), drawn(index, FLOPS), drawn(index, MEAN));
    /** @type {import("./chart.js").Name[]} */
    const lines = all.map((index) => {
      const label = selected.shown.includes(index) && !isPoint(index) ? strategies[index].name : "";
      return [name(index), label, curves[index].points[curves[index].points.length - 1][MEAN]];
    });
    lines.push(["ttc-s-large", "14x pass", pass[MEAN]]);
    nameLines(plot, lines.toSorted((a, b) => b[2] - a[2]));
    // There is room above the upper dot; near an end of the chart only on one side of the rule.
    const height = found ? Math.max(y(found.point[MEAN]) - 14, y.range()[1] - 10) : 0;
    for (const index of all.filter(isPoint)) {
      const [point] = curves[index].points;
      const label = selected.shown.includes(index) ? strategies[index].name : "";
      mark(plot.layer, "text", `ttc-name ${name(index)}`).attr("x", x(point[FLOPS]) + 8).attr("dy", "0.32em")
        .attr("y", index === found?.index ? Math.max(y(point[MEAN]), height + 16) : y(point[MEAN])).text(label); // below its value
    }
    for (const index of all) {
      const point = selected.shown.includes(index) && reached(index)?.point;
      if (point) drawDot(plot, name(index), point[FLOPS], point[MEAN], index === found?.index ? 6 : 4);
      else drawDot(plot, name(index), here, 0, 0);
    }
    drawDot(plot, "ttc-s-large", pass[FLOPS], pass[MEAN], 4);
    const start = x(found ? found.point[FLOPS] : here) < x.range()[0] + 45;
    drawValue(plot, "ttc-best", found ? found.point[FLOPS] : here, height, found ? share(found.point) : "", start);
    drawGuess(plot, here, view.isAsked() ? view.guess : null, x(here) > right - 70 ? height : -Infinity, x(here) <= right - 70);
    plot.describe(`Chart. ${words()}`);
  }

  const pass = groups[0].large[opponent];
  return view.mount({
    title: "Scaling curves: what do FLOPs buy?",
    guess: {
      question: `One pass of the 14x model costs ${pass[COST]} a problem and solves ${share(pass)}. For as many FLOPs the small model may ` +
        "vote, search, revise step by step, or have its samples scored. How many problems does the best of these solve?",
      start: Math.round(100 * pass[MEAN]), focus: budget,
      picture: askedChart(shares.length, "problems solved", axis, groups[0].budgets[asked], [
        { name: "ttc-s-large", label: "14x pass", budgets: domain, values: domain.map(() => pass[MEAN]) },
      ], `one pass of the 14x model solves ${share(pass)}; what does the small model solve for as many FLOPs?`),
    },
    body: [shown.node, difficulty.node, large.node, budget.node, chart.node, view.sentence.node, view.table.node],
    about: "Shown: problems solved with 95% bands over problems. Each strategy spends as much of the budget as it can. The best of " +
      "those shown is picked after measuring, which flatters it a little. Verifiers are charged for reading; the oracle is free. Training is " +
      "not charged.",
    update, words, numbers, picture: chart,
  });
}
