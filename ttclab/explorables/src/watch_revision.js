// Watch a rewrite: recorded chains, each attempt beside its rewrite, with a verifier's score of every step.
import { askedChart, budgetChart, drawDot, drawGuess, drawLine, drawRule, drawValue, nameLines, samplesAxis } from "./chart.js";
import { button, choices, difficulties, element, menu } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {[text: string, score: string, right: 0 | 1]} Step
 * @typedef {{ right: 0 | 1, answer: string, steps: Step[] }} Attempt
 * @typedef {{ id: string, question: string, group: string, kind: string, attempts: Attempt[] }} Chain
 * @typedef {{ key: string, name: string, said: string[] }} Kind
 * @typedef {import("./controls.js").Group & { turned: (number | null)[] }} Group with the share of right answers that each rewrite turns wrong
 * @typedef {{ scored: string, groups: Group[], kinds: Kind[], tables: Table[], chains: Chain[] }} Data
 */

const PAPER = 38; // percent of right answers that revisions of the paper's model turned wrong
const STEPS = 4; // at least, of the first chain shown
const VERDICT = [["✗", "wrong"], ["✓", "right"]];

/** @param {import("./view.js").Context} context */
export function watch_revision(context) {
  /** @type {Data} */
  const { scored, groups, kinds, tables, chains } = context.model.get("data");
  const numbers = [...Array(chains[0].attempts.length - 1).keys()]; // rewrites of a chain
  const isSpoiled = (/** @type {Chain} */ { attempts: [one, two] }) => one.right && !two.right;
  const long = chains.findIndex((each) => isSpoiled(each) && each.kind === "spoiled" && each.attempts[0].steps.length >= STEPS);
  const spoiled = long < 0 ? chains.findIndex(isSpoiled) : long;
  const view = new View(context, { group: 0, chain: Math.max(spoiled, 0), revision: 0 }, {
    group: oneOf("problems", groups.map(({ key }) => key)), chain: oneOf("chain", chains.map(({ id }) => id)),
    revision: oneOf("revision", numbers.map((n) => n + 1)),
  }, () => { if (!within(selected.group).includes(selected.chain)) selected.chain = within(selected.group)[0]; });
  const { selected } = view;
  let listed = -1; // group whose chains are in the menu

  const difficulty = difficulties(groups, (group) => {
    view.change(within(group).includes(selected.chain) ? { group } : { group, chain: within(group)[0], revision: 0 });
  });
  const chain = menu("Chain", "Chain", () => view.change({ chain: chain.value, revision: 0 }));
  const strip = choices("Rewrite", numbers.map(String), view.choose("revision"));
  const next = button("Next ›", () => move(1));
  const buttons = element("div", { class: "ttc-buttons" }, button("‹ Back", () => move(-1)), next);
  const steps = element("table", { class: "ttc-compare" });

  /**
   * Indices of the chains of a group.
   *
   * @param {number} group
   */
  function within(group) {
    return [...chains.keys()].filter((index) => !group || chains[index].group === groups[group].key);
  }

  /**
   * Moves one rewrite forward or back, across the ends of chains.
   *
   * @param {1 | -1} step
   */
  function move(step) {
    const revision = selected.revision + step;
    if (numbers.includes(revision)) {
      view.change({ revision });
      return;
    }
    const list = within(selected.group);
    const other = list.at((list.indexOf(selected.chain) + step) % list.length);
    view.change({ chain: other, revision: step > 0 ? 0 : numbers.length - 1 });
  }

  function update() {
    difficulty.chosen = selected.group;
    if (listed !== selected.group) {
      chain.entries = within(selected.group).map((index) => [index, `${chains[index].question} (${kindOf(index).name})`]);
      listed = selected.group;
    }
    chain.value = selected.chain;
    const verdicts = chains[selected.chain].attempts.map(({ right }) => VERDICT[right]);
    strip.rename(
      numbers.map((n) => `${n + 1} ${verdicts[n][0]} → ${n + 2} ${verdicts[n + 1][0]}`),
      numbers.map((n) => `attempt ${n + 1}, ${verdicts[n][1]}, rewritten as attempt ${n + 2}, ${verdicts[n + 1][1]}`));
    strip.chosen = selected.revision;
    compare();
  }

  /** @param {number} index */
  function kindOf(index) { return /** @type {Kind} */ (kinds.find(({ key }) => key === chains[index].kind)); }

  function pair() { return chains[selected.chain].attempts.slice(selected.revision, selected.revision + 2); }

  /** The steps of both attempts side by side. Step i of one is compared with step i of the other, word by word. */
  function compare() {
    const both = pair();
    const heads = both.map(({ right, answer }, index) => {
      const [symbol, word] = VERDICT[right];
      const verdict = element("span", { class: "ttc-verdict" }, `${symbol} ${word}: ${answer}`);
      return element("th", { scope: "col" }, `Attempt ${selected.revision + index + 1}`, verdict);
    });
    const rows = Array.from({ length: Math.max(...both.map((each) => each.steps.length)) }, (_, i) => {
      const [before, after] = both.map((each) => each.steps[i]);
      return element("tr", {}, element("th", { scope: "row" }, String(i + 1)), cell(before, after), cell(after, before));
    });
    steps.replaceChildren(element("caption", {}, chains[selected.chain].question),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Step"), ...heads),
        element("tr", {}, element("td"), element("td", { colspan: 2 }, `✓ right so far, ✗ wrong; blue bar: ${scored}`))), element("tbody", {}, ...rows));
  }

  /**
   * @param {Step | undefined} step
   * @param {Step | undefined} other
   */
  function cell(step, other) {
    if (!step) return element("td", {}, "no such step");
    const [text, score, right] = step;
    const there = other ? other[0].split(" ") : [];
    const marked = text.split(" ").flatMap((word, i) => [" ", word === there[i] ? word : element("mark", {}, word)]).slice(1);
    const [symbol, verdict] = VERDICT[right];
    return element("td", {},
      element("span", { class: "ttc-unseen" }, text === other?.[0] ? "" : "changed: "), ...marked,
      element("div", { class: "ttc-score" }, element("span", { class: "ttc-unseen" }, `${verdict} so far, score`),
        element("span", { "aria-hidden": "true" }, symbol), score,
        element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(score)}%` })));
  }

  function words() {
    const [before, after] = pair();
    const places = [...Array(Math.max(before.steps.length, after.steps.length)).keys()];
    const changed = places.filter((i) => before.steps[i]?.[0] !== after.steps[i]?.[0]).map((i) => i + 1);
    const which = changed.length ? `changes step${changed.length > 1 ? "s" : ""} ${changed.join(", ")}` : "changes nothing";
    const turned = before.right === after.right ? `the answer stays ${VERDICT[after.right][1]}`
      : `${VERDICT[before.right][1]} becomes ${VERDICT[after.right][1]}`;
    const [, right, interval, wrong, mended, cost] = tables[selected.group].rows[selected.revision + 1];
    const where = selected.group ? `In the ${groups[selected.group].name}` : "Over all problems";
    const guessed = view.isAsked("group", "revision") ? ` (you guessed ${view.guess}%)` : "";
    const kind = kindOf(selected.chain);
    const number = selected.revision + 1;
    return `In this chain, rewrite ${number} of ${numbers.length} ${which}: ${turned}. ${where}, rewrite ${number} turns ${wrong} of the right answers ` +
      `wrong${guessed}, and ${mended} of the wrong answers right. After it, ${right} (${interval}) of the answers are right. ` +
      `Cost so far: ${cost} per chain. Of all chains, ${kind.said[selected.group]} are like this one: ${kind.name}.`;
  }

  /** @param {import("./chart.js").Plot} plot */
  function paint(plot) {
    const { turned } = groups[selected.group];
    const known = numbers.filter((n) => turned[n] !== null);
    const here = selected.revision + 1;
    const share = turned[selected.revision];
    const ours = turned.findLast((each) => each !== null) ?? 0;
    /** @type {import("./chart.js").Name[]} */
    const names = [["ttc-large", "the paper", PAPER / 100], ["ttc-s-revision", "our model", ours]];

    drawRule(plot, here);
    drawLine(plot, "ttc-large", axis.domain, [PAPER / 100, PAPER / 100]);
    drawLine(plot, "ttc-s-revision", known.map((n) => n + 1), known.map((n) => turned[n] ?? 0));
    nameLines(plot, names.toSorted((one, other) => other[2] - one[2]));
    drawDot(plot, "ttc-s-revision", here, share ?? 0, share === null ? 0 : 6);
    const height = plot.y(Math.max(share ?? 0, PAPER / 100)) - 14;
    drawValue(plot, "ttc-s-revision", here, height, tables[selected.group].rows[here][3].split(" (")[0], true);
    const lines = [PAPER / 100, ...(share === null ? [] : [share, turned[selected.revision + 1] ?? share])];
    drawGuess(plot, here, view.isAsked("group", "revision") ? view.guess : null, height, true, lines);
    plot.describe(`Chart. ${words()}`);
  }

  /** @type {import("./chart.js").Axis} */
  const axis = { ...samplesAxis(numbers.map((n) => n + 1), "rewrite"), domain: [0.7, numbers.length], linear: true };
  const chart = budgetChart(numbers.length, "right answers turned wrong", { choose: view.choose("revision"), paint, axis });
  return view.mount({
    title: "Watch a rewrite",
    guess: {
      question: `In the paper, a rewrite turned about ${PAPER}% of right answers wrong. What share of the right first attempts does the first ` +
        "rewrite turn wrong here?",
      far: [PAPER / 100, groups[0].turned[0] ?? 0], focus: next,
      picture: askedChart(numbers.length, "right answers turned wrong", axis, 1, [
        { name: "ttc-large", label: "the paper", budgets: axis.domain, values: [PAPER / 100, PAPER / 100] },
      ], `in the paper a rewrite turned ${PAPER}% of right answers wrong; how many does the first rewrite here?`),
    },
    body: [chart.node, difficulty.node, chain.node, strip.node, buttons, steps, view.sentence.node, view.table.node],
    about: "Shown: right attempts that each rewrite turns wrong, and attempts as the model wrote them, with changes marked. The score of the last " +
      "step is that of the attempt. The menu lists rare kinds of chains more often than they occur. Intervals: 95%, over problems.",
    update, words, numbers: () => [tables[selected.group], selected.revision + 1], picture: chart,
  });
}
