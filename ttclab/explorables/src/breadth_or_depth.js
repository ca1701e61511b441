// Breadth or depth: coverage by number of samples, measured and in theory.
import { askedChart, besides, budgetChart, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, nameLines, samplesAxis } from "./chart.js";
import { difficulties, problemsOf, slider } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {{ mean: number[], low: number[], high: number[] }} Estimates
 * @typedef {import("./controls.js").Group & { p: number, coverage: Estimates, theory: number[] }} Group
 * @typedef {{ budgets: number[], groups: Group[], tables: Table[] }} Data
 */

/** @param {import("./view.js").Context} context */
export function breadth_or_depth(context) {
  /** @type {Data} */
  const { budgets, groups, tables } = context.model.get("data");
  const asked = budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1;
  const hardest = groups.length - 1;
  const view = new View(context, { budget: asked, group: hardest }, {
    budget: oneOf("samples", budgets), group: oneOf("problems", groups.map(({ key }) => key)),
  });
  const { selected } = view;

  const samples = budgets.map((n) => (n === 1 ? "1 sample" : `${n} samples`));
  const budget = slider("Budget", samples, view.drag("budget"));
  const difficulty = difficulties(groups, view.choose("group"));
  const axis = samplesAxis(budgets);
  const chart = budgetChart(budgets.length, "at least one sample is right", { choose: view.choose("budget"), paint, axis });

  function update() {
    budget.step = selected.budget;
    difficulty.chosen = selected.group;
  }

  function words() {
    const [count, measured, interval, theory, flops] = tables[selected.group].rows[selected.budget];
    const [many, who] = count === "1" ? ["1 sample, it", "1 generation"] : [`${count} samples, at least one`, `${count} generations`];
    return `With ${many} is right on ${measured} (${interval}) of ${problemsOf(groups, selected.group)}.${view.guessed()} ` +
      `A theory that treats all problems${selected.group ? " of this fifth" : ""} as equally hard promises ${theory}. Cost: ${who}, ${flops} per problem.`;
  }

  /** @param {import("./chart.js").Plot} plot */
  function paint(plot) {
    const { x, y, right } = plot;
    const { p, coverage, theory } = groups[selected.group];
    const [, measuredWords, , theoryWords] = tables[selected.group].rows[selected.budget];
    const here = budgets[selected.budget];
    const last = budgets.length - 1;

    drawBand(plot, budgets, coverage.low, coverage.high);
    drawRule(plot, here);
    drawLine(plot, "ttc-one", budgets, budgets.map(() => p));
    drawLine(plot, "ttc-measured", budgets, coverage.mean);
    drawLine(plot, "ttc-theory", budgets, theory);
    nameLines(plot, [
      ["ttc-theory", "theory", theory[last]], ["ttc-measured", "measured", coverage.mean[last]], ["ttc-one", "one sample", p],
    ]);
    drawDot(plot, "ttc-theory", here, theory[selected.budget], 4);
    drawDot(plot, "ttc-measured", here, coverage.mean[selected.budget], 6);
    // Both curves bend down to the left, so there is room above and left of the upper dot, and below and right of the band.
    const low = y(coverage.low[selected.budget]);
    const roomLeft = x(here) > x.range()[0] + 45;
    const roomBelow = low + 22 < y.range()[0];
    const belowY = roomBelow ? low + 13 : y(coverage.mean[selected.budget]) - 14;
    const aboveY = Math.min(y(theory[selected.budget]) - 13, belowY - 16);
    drawValue(plot, "ttc-theory", here, aboveY, selected.budget ? theoryWords : "", !roomLeft); // with one sample the two are equal
    drawValue(plot, "ttc-measured", here, belowY, measuredWords, roomBelow ? x(here) < right - 62 : !roomLeft);
    drawGuess(plot, here, view.isAsked() ? view.guess : null, belowY, true,
      [p, ...besides(coverage.mean, selected.budget), ...besides(theory, selected.budget)]);
    plot.describe(`Chart. ${words()}`);
  }

  return view.mount({
    title: "Breadth: how far do more samples go?",
    guess: {
      question: `On ${problemsOf(groups, hardest)}, one sample is right ${tables[hardest].rows[0][1]} of the time. Draw ${samples[asked]} ` +
        "of each problem: for how many problems is at least one right?",
      far: [groups[hardest].p, groups[hardest].coverage.mean[asked]], least: groups[hardest].p, focus: budget,
      picture: askedChart(budgets.length, "at least one sample is right", axis, budgets[asked], [
        { name: "ttc-one", label: "one sample", budgets, values: budgets.map(() => groups[hardest].p) },
      ], `one sample is right on ${tables[hardest].rows[0][1]}; what do ${samples[asked]} reach?`),
    },
    body: [budget.node, difficulty.node, chart.node, view.sentence.node, view.table.node],
    about: "Shown: measured coverage (unbiased pass@k) with its 95% band over problems. Dashed: 1−(1−p)^N, where p is the share of " +
      "samples that are right.",
    update, words, numbers: () => [tables[selected.group], selected.budget], picture: chart,
  });
}
