// Scaling curves: accuracy of each strategy by FLOPs, with one pass of the large model as a dashed line.
import { askedChart, budgetChart, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, nameEnds } from "./chart.js";
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
const TICKS = [1e6, 1e7, 1e8, 1e9, 1e10].flatMap((power) => [power, 3 * power]);

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
  }, "Weighted: a vote weighted by a verifier's scores. ORM: it scores whole solutions. PRM: it scores each step. PRM 14x: a much larger " +
    "PRM. Oracle: it knows the answer, free. Adaptive: it draws samples until the weighted vote is clear.");
  const difficulty = difficulties(groups, view.choose("group"));
  const large = choices("Training of the 14x model", opponents, view.choose("opponent"));
  const budget = slider("Budget", shares.map((share) => `${share} one pass of the 14x model`), view.drag("budget"));
  const domain = span();
  /** @type {import("./chart.js").Axis} */
  const axis = {
    domain, span, within, ticks: TICKS, format: (n) => `${n / 1e6}`,
    title: "million FLOPs per problem, log scale", at: (step) => group().budgets[step],
  };
  const chart = budgetChart(shares.length, "problems solved", { choose: view.choose("budget"), paint, axis });

  /** The points of the strategies that are shown. */
  function seen() { return selected.shown.flatMap((index) => group().curves[index].points); }

  /** The FLOPs that the chart has to hold: every budget and every point that is shown. */
  function span() {
    const costs = [...group().budgets, ...seen().map((point) => point[FLOPS])];
    return [Math.min(...costs) / 1.2, Math.max(...costs)];
  }

  /** The shares that the chart has to hold, in whole tenths. */
  function within() {
    const shares = [...seen().flatMap((point) => [point[LOW], point[HIGH]]), group().large[selected.opponent][MEAN]];
    if (view.isAsked()) shares.push((view.guess ?? 0) / 100);
    return [Math.floor(10 * Math.min(...shares) - 0.1) / 10, Math.ceil(10 * Math.max(...shares)) / 10].map((share) => Math.min(Math.max(share, 0), 1));
  }

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
    if (!found) return `${said[selected.budget]} per problem pay for none of the strategies shown. ${other}`;
    const { index, what, point, minus } = found;
    return `For at most ${said[selected.budget]} per problem, the best strategy shown is "${strategies[index].name}" (${what}): ` +
      `it solves ${point[SOLVED]} of ${problemsOf(groups, selected.group)} for ${point[COST]}.${view.guessed()} ${other} The small model minus the 14x model: ${minus} points.`;
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
    // The value stands above the best dot; near an end of the chart there is room only on one side of the rule.
    const height = found ? Math.max(y(found.point[MEAN]) - 14, y.range()[1] - 10) : 0;
    const start = x(found ? found.point[FLOPS] : here) < x.range()[0] + 45;
    const guessLeft = x(here) > right - 70;
    if (found) plot.layer.select(`path.ttc-line.${name(found.index)}`).classed("ttc-top", true).raise();
    for (const index of all) {
      const point = selected.shown.includes(index) && reached(index)?.point;
      if (point) drawDot(plot, name(index), point[FLOPS], point[MEAN], index === found?.index ? 6 : 4);
      else drawDot(plot, name(index), here, 0, 0);
    }
    drawDot(plot, "ttc-s-large", pass[FLOPS], pass[MEAN], 5.5);
    plot.layer.selectAll("circle").raise();
    if (found) plot.layer.select(`circle.${name(found.index)}`).raise();
    const ahead = found ? x(found.point[FLOPS]) : x(here);
    drawValue(plot, "ttc-best", found ? found.point[FLOPS] : here, height, found ? share(found.point) : "", start);
    const guess = view.isAsked() ? view.guess : null;
    const beside = drawGuess(plot, here, guess, found ? height : -Infinity, !guessLeft, [pass[MEAN], ...selected.shown.flatMap((index) => reached(index)?.point[MEAN] ?? [])]);
    const wide = 12 + 8 * (found ? share(found.point).length : 0);
    const taken = found ? [[ahead - (start ? 0 : wide), ahead + (start ? wide : 0), height - 8, height + 8]] : [];
    if (guess !== null) taken.push([x(here) - (guessLeft ? 82 : 0), x(here) + (guessLeft ? 0 : 82), beside - 8, beside + 8]);
    const ends = [...all].sort((a, b) => Number(b === found?.index) - Number(a === found?.index)).map((index) => {
      const point = curves[index].points[curves[index].points.length - 1];
      const label = selected.shown.includes(index) ? strategies[index].name : "";
      return { name: name(index), label, x: x(point[FLOPS]), y: y(point[MEAN]) };
    });
    taken.push([x(pass[FLOPS]) - 7, x(pass[FLOPS]) + 7, y(pass[MEAN]) - 7, y(pass[MEAN]) + 7]);
    const dense = selected.shown.flatMap((index) => curves[index].points.slice(1).flatMap((point, i) => Array.from({ length: 9 }, (_, k) => (
      [FLOPS, MEAN].map((part) => {
        const [from, to] = [curves[index].points[i], point].map((each) => (part === FLOPS ? x(each[FLOPS]) : y(each[MEAN])));
        return from + ((to - from) * k) / 8;
      })))));
    const level = Array.from({ length: 80 }, (_, i) => [(right * i) / 80, y(pass[MEAN])]);
    nameEnds(plot, [...ends, { name: "ttc-s-large", label: "14x pass", x: right, y: y(pass[MEAN]) }], taken, [...dense, ...level]);
    plot.layer.selectAll("text").raise();
    plot.describe(`Chart. ${words()}`);
  }

  const pass = groups[0].large[opponent];
  return view.mount({
    title: "Scaling curves: what do FLOPs buy?",
    guess: {
      question: `One pass of the 14x model, trained for ${opponents[opponent]}, costs ${pass[COST]} per problem and solves ${share(pass)}. For the same FLOPs, the small model may ` +
        "vote, search, revise step by step, or have its samples scored. How many problems does the best of these solve?",
      far: [pass[MEAN], best()?.point[MEAN] ?? 0], focus: budget,
      picture: askedChart(shares.length, "problems solved", axis, groups[0].budgets[asked], [
        { name: "ttc-s-large", label: "14x pass", budgets: domain, values: domain.map(() => pass[MEAN]) },
      ], `one pass of the 14x model solves ${share(pass)}; what does the small model solve for as many FLOPs?`),
    },
    body: [shown.node, difficulty.node, large.node, budget.node, chart.node, view.sentence.node, view.table.node],
    about: "Shown: problems solved, with 95% bands over problems. Revision: step-level. Each strategy spends as much of the budget as it can. Thick: the best " +
      "strategy shown, picked after measuring, which flatters it a little. Verifiers are charged for reading. Training is not charged.",
    update, words, numbers, picture: chart,
  });
}
