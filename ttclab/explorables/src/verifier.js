// How good is your verifier: accuracy with a verifier, compared with a majority vote and with the oracle.
import { askedChart, besides, budgetChart, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, nameLines, samplesAxis } from "./chart.js";
import { captionOf, choices, difficulties, problemsOf, slider } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {import("./controls.js").Group} Group
 * @typedef {{ mean: number[], low: number[], high: number[], said: string[][] }} Measured
 * @typedef {{ verifier: string, choose?: string, quality?: number, groups: Measured[] }} Curve
 * @typedef {{ budgets: number[], groups: Group[], verifiers: { key: string, name: string, label: string }[], curves: Curve[],
 *   columns: string[] }} Data
 */

const WAYS = { weighted: "weighted vote", best: "best score" };
const KEYS = Object.keys(WAYS);
const NAMES = Object.values(WAYS);

/** @param {import("./view.js").Context} context */
export function verifier(context) {
  /** @type {Data} */
  const { budgets, groups, verifiers, curves, columns } = context.model.get("data");
  const noisy = curves.flatMap((each) => (each.verifier === "noisy" && each.choose === "best" ? [Number(each.quality)] : []));
  const first = {
    verifier: Math.max(verifiers.findIndex(({ key }) => key === "prm"), 1), choose: 0, quality: Math.max(noisy.indexOf(0.8), 0),
    budget: budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1, group: 0,
  };
  const view = new View(context, first, {
    verifier: oneOf("verifier", verifiers.map(({ key }) => key)), choose: oneOf("choose", KEYS), quality: oneOf("quality", noisy),
    budget: oneOf("samples", budgets), group: oneOf("problems", groups.map(({ key }) => key)),
  });
  const { selected } = view;

  const samples = budgets.map((n) => (n === 1 ? "1 sample" : `${n} samples`));
  const who = choices("Verifier", verifiers.map(({ name }) => name), view.choose("verifier"));
  const way = choices("The answer is chosen by", NAMES, view.choose("choose"));
  const quality = slider("Quality of the noisy oracle", noisy.map((q) => (q === 0.5 ? "0.5, chance" : String(q))), view.drag("quality"),
    "its AUC: the chance that a right solution scores above a wrong one");
  const difficulty = difficulties(groups, view.choose("group"));
  const budget = slider("Budget", samples, view.drag("budget"));
  const chart = budgetChart(budgets.length, "problems solved", { choose: view.choose("budget"), paint, axis: samplesAxis(budgets) });

  /**
   * The numbers of a verifier in the selected group. A verifier without scores has no selection rule.
   *
   * @param {string} key
   */
  function curve(key) {
    const found = curves.find((each) => each.verifier === key && (!each.choose || each.choose === KEYS[selected.choose]) &&
      (each.quality === undefined || each.quality === noisy[selected.quality]));
    return /** @type {Curve} */ (found).groups[selected.group];
  }

  /** @param {string} key */
  function said(key) { return curve(key).said[selected.budget][0]; }

  function current() { return verifiers[selected.verifier]; }

  function scores() { return current().key !== "none" && current().key !== "oracle"; }

  function isAsked() { return view.isAsked("verifier", "choose", "group", "budget"); }

  function update() {
    view.form.dataset.verifier = current().key;
    budget.step = selected.budget;
    quality.step = selected.quality;
    who.chosen = selected.verifier;
    way.chosen = selected.choose;
    difficulty.chosen = selected.group;
    way.disabled = !scores();
    quality.node.hidden = current().key !== "noisy";
  }

  function named() {
    if (!scores()) return current().key === "none" ? "no verifier, by majority vote" : "a perfect verifier";
    const dial = current().key === "noisy" ? ` of quality ${noisy[selected.quality]}` : "";
    return `the ${current().name}${dial}, by ${NAMES[selected.choose]}`;
  }

  function words() {
    const [measured, interval, cost] = curve(current().key).said[selected.budget];
    const guessed = view.guessed("verifier", "choose", "group", "budget");
    const others = scores() ? ` A majority vote solves ${said("none")}, a perfect verifier ${said("oracle")}.` : "";
    return `With ${samples[selected.budget]} and ${named()}, ${measured} (${interval}) of ${problemsOf(groups, selected.group)} are ` +
      `solved.${guessed}${others} Cost: ${cost} per problem.`;
  }

  /** @returns {[Table, number]} */
  function numbers() {
    const [measured, vote, oracle] = [current().key, "none", "oracle"].map((key) => curve(key).said);
    const rows = budgets.map((n, i) => [String(n), ...measured[i], vote[i][0], oracle[i][0]]);
    return [{ caption: `${captionOf(groups[selected.group])}, ${named()}`, columns, rows }, selected.budget];
  }

  /** @param {import("./chart.js").Plot} plot */
  function paint(plot) {
    const { x, y, right } = plot;
    const { mean, low, high } = curve(current().key);
    const [vote, oracle] = [curve("none").mean, curve("oracle").mean];
    const here = budgets[selected.budget];
    const last = budgets.length - 1;
    /** @type {import("./chart.js").Name[]} */
    const lines = [
      ["ttc-oracle", current().key === "oracle" ? "" : "perfect", oracle[last]],
      ["ttc-verifier", current().label, mean[last]],
      ["ttc-vote", current().key === "none" ? "" : "vote", vote[last]],
    ];

    drawBand(plot, budgets, low, high);
    drawRule(plot, here);
    drawLine(plot, "ttc-vote", budgets, vote);
    drawLine(plot, "ttc-oracle", budgets, oracle);
    drawLine(plot, "ttc-verifier", budgets, mean);
    nameLines(plot, lines.toSorted((a, b) => b[2] - a[2]));
    drawDot(plot, "ttc-vote", here, vote[selected.budget], 4);
    drawDot(plot, "ttc-oracle", here, oracle[selected.budget], 4);
    drawDot(plot, "ttc-verifier", here, mean[selected.budget], 6);
    // The value is left of the rule and the guess right of it; at either end of the chart there is room only on one side.
    const height = y(mean[selected.budget]) - 14;
    const asLast = isAsked() && x(here) > right - 70;
    drawValue(plot, "ttc-verifier", here, height, said(current().key), x(here) < x.range()[0] + 45);
    drawGuess(plot, here, isAsked() ? view.guess : null, asLast ? height : -Infinity, !asLast,
      [mean, vote, oracle].flatMap((values) => besides(values, selected.budget)));
    plot.describe(`Chart. ${words()}`);
  }

  return view.mount({
    title: "How good is your verifier?",
    guess: {
      question: `A majority vote among ${samples[first.budget]} solves ${said("none")} of the problems, a perfect verifier ${said("oracle")}. ` +
        `Weight each sample's vote by its score from the ${verifiers[first.verifier].name}: how many are solved?`,
      far: [curve("none").mean[first.budget], curve("oracle").mean[first.budget], curve(current().key).mean[first.budget]], focus: who,
      picture: askedChart(budgets.length, "problems solved", samplesAxis(budgets), budgets[first.budget], [
        { name: "ttc-oracle", label: "perfect", budgets, values: curve("oracle").mean },
        { name: "ttc-vote", label: "vote", budgets, values: curve("none").mean },
      ], `a majority vote solves ${said("none")}, a perfect verifier ${said("oracle")}; where between them is a trained one?`),
    },
    body: [who.node, way.node, quality.node, difficulty.node, budget.node, chart.node, view.sentence.node, view.table.node],
    about: "Shown: problems solved with the answer that the verifier chooses, with its 95% band over problems. Green: a perfect " +
      "verifier, which solves every problem with a right sample. Yellow: a majority vote, which needs no verifier. The noisy oracle errs at " +
      "random, but gives equal texts equal scores. It is free.",
    update, words, numbers, picture: chart,
  });
}
