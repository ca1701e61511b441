// Breadth or depth: how far more samples of one problem go, measured and in theory.
import { budgetChart, choices, dataTable, drawBand, drawLine, element, frame, liveSentence, mark, prediction, slider, spread } from "./common.js";

function render({ model, el }) {
  const { budgets, groups, tables, source } = model.get("data");
  const asked = budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1;
  const selected = { budget: asked, group: 0 };
  let guess = null;

  const words = budgets.map((n) => (n === 1 ? "1 sample" : `${n} samples`));
  const budget = slider("Budget", words, { input: (step) => select({ budget: step }), change: save });
  const ends = { 1: "1 easiest", 5: "5 hardest" };
  const difficulty = choices("Problems, by fifth of difficulty", groups.map(({ key }) => ends[key] ?? key), (group) => { select({ group }); save(); });
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
    const { layer, x, y, right } = plot;
    const { p, coverage, theory } = groups[selected.group];
    const [, measuredWords, , theoryWords] = tables[selected.group].rows[selected.budget];
    const at = x(budgets[selected.budget]);
    const [bottom, top] = y.range();
    const lines = [["ttc-theory", "theory", theory], ["ttc-measured", "measured", coverage.mean], ["ttc-one", "one sample", budgets.map(() => p)]];

    drawBand(plot, budgets, coverage.low, coverage.high);
    mark(layer, "line", "ttc-rule ttc-moves").attr("y1", top).attr("y2", bottom).style("transform", `translateX(${at}px)`);
    for (const [name, , values] of lines.toReversed()) drawLine(plot, name, budgets, values);
    const ends = spread(lines.map(([, , values]) => y(values.at(-1))), 15, top, bottom);
    lines.forEach(([name, label], i) => mark(layer, "text", `ttc-name ${name}`).attr("x", right + 8).attr("y", ends[i]).attr("dy", "0.32em").text(label));

    const values = lines.slice(0, 2).map(([name, , all]) => [name, y(all[selected.budget])]);
    for (const [name, height] of values) {
      mark(layer, "circle", `ttc-dot ttc-moves ${name}`).attr("r", name === "ttc-measured" ? 6 : 4).style("transform", `translate(${at}px,${height}px)`);
    }
    // Above and left of the upper dot there is room, for both curves bend down to the left; below and right of the band, too.
    const low = y(coverage.low[selected.budget]);
    const roomLeft = at > x.range()[0] + 45;
    const roomBelow = low + 22 < bottom;
    const belowY = roomBelow ? low + 13 : values[1][1] - 14;
    const aboveY = Math.min(values[0][1] - 13, belowY - 16);
    const label = (name, height, text, start) => mark(layer, "text", `ttc-value ttc-moves ${name}`)
      .style("transform", `translate(${at + (start ? 8 : -8)}px,${height}px)`)
      .attr("text-anchor", start ? "start" : "end").attr("dy", "0.32em").text(text);
    label("ttc-theory", aboveY, selected.budget ? theoryWords : "", !roomLeft); // with one sample they are the same
    label("ttc-measured", belowY, measuredWords, roomBelow ? at < right - 45 : !roomLeft);

    const guessed = isAsked() ? y(guess / 100) : null;
    mark(layer, "path", "ttc-guess").attr("d", guessed === null ? "" : `M${at},${guessed - 6}l6,6l-6,6l-6,-6Z`);
    label("ttc-guessed", Math.abs(guessed - belowY) < 16 ? belowY + 16 : guessed, guessed === null ? "" : "your guess", true);
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
