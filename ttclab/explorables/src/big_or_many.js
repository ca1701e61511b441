// Big once or small many: one pass of the large model against as many samples of the small one as its FLOPs pay for.
import { askedChart, besides, budgetChart, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, nameLines, samplesAxis } from "./chart.js";
import { captionOf, choices, difficulties, problemsOf, slider } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {import("./controls.js").Group} Group
 * @typedef {{ mean: number[], low: number[], high: number[], said: string[][], wins: ("small" | "large" | "neither")[] }} Small
 * @typedef {{ large: number, verifier: string, samples: number[], groups: Small[] }} Curve
 * @typedef {{ steps: number, groups: { mean: number, said: string[] }[] }} Large
 * @typedef {{ passes: number[], groups: Group[], larges: Large[], verifiers: { key: string, name: string }[], curves: Curve[],
 *   columns: string[], met: number }} Data
 */

/** @type {Record<string, string>} */
const CHOSEN = { vote: "a majority vote", prm: "a vote weighted by the PRM's scores", oracle: "a perfect verifier" };
/** @type {Record<string, string>} */
const ABOUT = { vote: "a majority vote", prm: "the PRM", oracle: "a perfect verifier" };
/** @type {Record<number, string>} */
const PASSES = { 0.125: "⅛ of a large pass", 0.25: "¼ of a large pass", 0.5: "½ a large pass", 1: "1 large pass" };
const VERDICTS = { small: "The small model is ahead", large: "The large model is ahead", neither: "Neither is clearly ahead" };

/** @param {import("./view.js").Context} context */
export function big_or_many(context) {
  /** @type {Data} */
  const { passes, groups, larges, verifiers, curves, columns, met } = context.model.get("data");
  const first = { verifier: 0, large: larges.findIndex(({ steps }) => steps === met), budget: Math.max(passes.indexOf(1), 0), group: 0 };
  const view = new View(context, first, {
    verifier: oneOf("verifier", verifiers.map(({ key }) => key)), large: oneOf("large", larges.map(({ steps }) => steps)),
    budget: oneOf("passes", passes), group: oneOf("problems", groups.map(({ key }) => key)),
  });
  const { selected } = view;

  const verifier = choices("The small model's answer is chosen by", verifiers.map(({ key, name }) => ABOUT[key] ?? name), view.choose("verifier"),
    "The PRM, a second model, scores each sample. A perfect verifier picks a right sample if there is one.");
  const large = choices("Training steps of the large model", larges.map(({ steps }) => String(steps)), view.choose("large"));
  const difficulty = difficulties(groups, view.choose("group"));
  const budget = slider("FLOPs of the small model, on average over all problems", passes.map((n) => PASSES[n] ?? `${n} large passes`), view.drag("budget"));
  const axis = samplesAxis(passes, "FLOPs, in passes of the large model");
  const chart = budgetChart(passes.length, "problems solved", { choose: view.choose("budget"), paint, axis });

  /** The small model's numbers with the verifier selected, beside the large model selected. */
  function curve() {
    const found = curves.find((each) => each.large === larges[selected.large].steps && each.verifier === verifiers[selected.verifier].key);
    return /** @type {Curve} */ (found);
  }

  function small() { return curve().groups[selected.group]; }

  function once() { return larges[selected.large].groups[selected.group]; }

  function update() {
    view.form.dataset.verifier = verifiers[selected.verifier].key;
    verifier.chosen = selected.verifier;
    large.chosen = selected.large;
    difficulty.chosen = selected.group;
    budget.step = selected.budget;
  }

  function words() {
    const { said, wins } = small();
    const [solved, interval, cost, difference] = said[selected.budget];
    const [theirs, within, price] = once().said;
    const unequal = selected.group ? " (Budgets are matched over all problems, so within a fifth the FLOPs differ.)" : "";
    const drawn = curve().samples[selected.budget];
    const how = CHOSEN[verifiers[selected.verifier].key] ?? `${verifiers[selected.verifier].name}`;
    return `${drawn === 1 ? "1 sample" : `${drawn} samples`} of the small model, the answer chosen by ${how}, solve ${solved} (${interval}) of ` +
      `${problemsOf(groups, selected.group)} for ${cost} per problem. One pass of the large model, trained for ` +
      `${larges[selected.large].steps} steps, solves ${theirs} (${within}) for ${price}.${unequal}${view.guessed()} ` +
      `${VERDICTS[wins[selected.budget]]}: small minus large is ${difference} points.`;
  }

  /** @returns {[Table, number]} */
  function numbers() {
    const [solved, interval, cost] = once().said;
    const chosen = ABOUT[verifiers[selected.verifier].key] ?? verifiers[selected.verifier].name;
    const rows = small().said.map((said, i) => [String(passes[i]), String(curve().samples[i]), ...said]);
    const caption = `${captionOf(groups[selected.group])}. The small model's answer is chosen by ${chosen}; the large model, trained for ` +
      `${larges[selected.large].steps} steps, solves ${solved} (${interval}) for ${cost}.`;
    return [{ caption, columns, rows }, selected.budget];
  }

  /** @param {import("./chart.js").Plot} plot */
  function paint(plot) {
    const { x, y, right } = plot;
    const { mean, low, high, said } = small();
    const here = passes[selected.budget];
    const value = mean[selected.budget];
    const level = once().mean;
    /** @type {import("./chart.js").Name[]} */
    const lines = [["ttc-verifier", "small", mean[mean.length - 1]], ["ttc-large", "large", level]];

    drawBand(plot, passes, low, high);
    drawRule(plot, here);
    drawLine(plot, "ttc-large", passes, passes.map(() => level));
    drawLine(plot, "ttc-verifier", passes, mean);
    nameLines(plot, lines.toSorted((a, b) => b[2] - a[2]));
    drawDot(plot, "ttc-large", here, level, 5);
    drawDot(plot, "ttc-verifier", here, value, 6);
    // The two values stand left of the rule, one above the other; at the left end of the chart there is room on the right.
    const roomLeft = x(here) > x.range()[0] + 45;
    const [upper, lower] = [y(Math.max(value, level)) - 14, y(Math.min(value, level)) + 15];
    const [mine, other] = value >= level ? [upper, lower] : [lower, upper];
    drawValue(plot, "ttc-verifier", here, mine, said[selected.budget][0], !roomLeft);
    drawValue(plot, "ttc-large", here, other, once().said[0], !roomLeft);
    drawGuess(plot, here, view.isAsked() ? view.guess : null, -Infinity, x(here) < right - 70, [level, ...besides(mean, selected.budget)]);
    plot.describe(`Chart. ${words()}`);
  }

  return view.mount({
    title: "Big once or small many?",
    guess: {
      question: `One pass of the large model, trained for ${met} steps, solves ${once().said[0]} of the problems. For the same FLOPs, the small one draws ` +
        `${curve().samples[first.budget]} samples. Let them vote, each sample counting once: how many problems are solved?`,
      far: [once().mean, small().mean[first.budget]], focus: verifier,
      picture: askedChart(passes.length, "problems solved", axis, passes[first.budget], [
        { name: "ttc-large", label: "large", budgets: passes, values: passes.map(() => once().mean) },
      ], `one pass of the large model solves ${once().said[0]}; what does a majority vote of the small one solve for the same FLOPs?`,
      "price of one large pass"),
    },
    body: [verifier.node, difficulty.node, large.node, budget.node, chart.node, view.sentence.node, view.table.node],
    about: "Shown: problems solved, with 95% bands over problems. Dashed: one greedy pass of the large model. The small model draws as " +
      "many samples as the FLOPs pay for. The PRM's reading is charged; a vote and a perfect verifier are free. Training is not charged.",
    update, words, numbers, picture: chart,
  });
}
