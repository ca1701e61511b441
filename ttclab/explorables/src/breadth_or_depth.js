// Breadth or depth: how far more samples of one problem go, measured and in theory.
import {
  budgetChart, dataTable, difficulties, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, element, frame, liveSentence, nameLines,
  prediction, slider,
} from "./common.js";

function render({ model, el }) {
  const { budgets, groups, tables, source } = model.get("data");
  const asked = budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1;
  const selected = { budget: asked, group: 0 };
  let guess = null;

  const words = budgets.map((n) => (n === 1 ? "1 sample" : `${n} samples`));
  const budget = slider("Budget", words, { input: (step) => select({ budget: step }), change: save });
  const difficulty = difficulties(groups, (group) => { select({ group }); save(); });
  const chart = budgetChart(budgets, "at least one sample is right", { choose: (step) => { select({ budget: step }); save(); }, paint });
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: measured coverage (unbiased pass@k) with its 95% band over problems; dashed, 1−(1−p)^N with p the share right in one sample; fifths by the same share, problem by problem. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, budget.node, difficulty.node, chart.node, table.node, about);
  const question = prediction(
    `One sample is right on ${oneSample(0)} of the problems. Draw ${words[asked]} of each problem: on how many is at least one right?`,
    Math.round(100 * groups[0].p), (percent) => { guess = percent; reveal(); budget.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  el.replaceChildren(frame("Breadth: how far do more samples go?", question, result));

  function oneSample(group) { return tables[group].rows[0][1]; }

  function isAsked() { return guess !== null && selected.group === 0 && selected.budget === asked; }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    budget.step = selected.budget;
    difficulty.chosen = selected.group;
    table.show(tables[selected.group], selected.budget);
    sentence.say(inWords());
    chart.draw();
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function inWords() {
    const [samples, measured, interval, theory, flops] = tables[selected.group].rows[selected.budget];
    const [many, who] = samples === "1" ? ["1 sample it", "1 generation"] : [`${samples} samples at least one`, `${samples} generations`];
    const where = selected.group ? `the problems in the ${groups[selected.group].name}` : "the problems";
    const guessed = isAsked() ? ` You guessed ${guess}%.` : "";
    return `With ${many} is right on ${measured} (${interval}) of ${where}.${guessed} ` +
      `The theory that treats them all as equally hard promises ${theory}. Cost: ${who}, ${flops} a problem.`;
  }

  function paint(plot) {
    const { x, y, right } = plot;
    const { p, coverage, theory } = groups[selected.group];
    const [, measuredWords, , theoryWords] = tables[selected.group].rows[selected.budget];
    const here = budgets[selected.budget];
    const lines = [["ttc-theory", "theory", theory], ["ttc-measured", "measured", coverage.mean], ["ttc-one", "one sample", budgets.map(() => p)]];

    drawBand(plot, budgets, coverage.low, coverage.high);
    drawRule(plot, here);
    for (const [name, , values] of lines.toReversed()) drawLine(plot, name, budgets, values);
    nameLines(plot, lines.map(([name, label, values]) => [name, label, values.at(-1)]));
    drawDot(plot, "ttc-theory", here, theory[selected.budget], 4);
    drawDot(plot, "ttc-measured", here, coverage.mean[selected.budget], 6);
    // Above and left of the upper dot there is room, for both curves bend down to the left; below and right of the band, too.
    const low = y(coverage.low[selected.budget]);
    const roomLeft = x(here) > x.range()[0] + 45;
    const roomBelow = low + 22 < y.range()[0];
    const belowY = roomBelow ? low + 13 : y(coverage.mean[selected.budget]) - 14;
    const aboveY = Math.min(y(theory[selected.budget]) - 13, belowY - 16);
    drawValue(plot, "ttc-theory", here, aboveY, selected.budget ? theoryWords : "", !roomLeft); // with one sample they are the same
    drawValue(plot, "ttc-measured", here, belowY, measuredWords, roomBelow ? x(here) < right - 62 : !roomLeft);
    drawGuess(plot, here, isAsked() ? guess : null, belowY);
    plot.describe(`Chart. ${inWords()}`);
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const step = budgets.indexOf(Number(state.samples));
    const group = groups.findIndex(({ key }) => key === String(state.problems));
    if (step < 0 && group < 0) return;
    Object.assign(selected, { budget: step < 0 ? asked : step, group: Math.max(group, 0) });
    reveal();
  }

  function save() {
    model.set("state", { samples: budgets[selected.budget], problems: groups[selected.group].key });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
