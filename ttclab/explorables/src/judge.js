// How good is your judge: what a judge makes of the samples, between a vote, which needs none, and the oracle.
import {
  budgetChart, choices, dataTable, difficulties, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, element, frame, liveSentence,
  nameLines, prediction, slider,
} from "./common.js";

const WAYS = { weighted: "weighted vote", best: "best score" };

function render({ model, el }) {
  const { budgets, groups, judges, curves, columns, source } = model.get("data");
  const indexOf = (list, wanted) => list.findIndex(({ key }) => key === wanted);
  const keys = Object.keys(WAYS);
  const noisy = curves.filter(({ judge, choose }) => judge === "noisy" && choose === "best").map(({ quality }) => quality);
  const asked = {
    judge: Math.max(indexOf(judges, "prm"), 1), choose: 0, quality: Math.max(noisy.indexOf(0.8), 0), group: 0,
    budget: budgets.includes(16) ? budgets.indexOf(16) : budgets.length - 1,
  };
  const selected = { ...asked };
  let guess = null;

  const choose = (part) => (index) => { select({ [part]: index }); save(); };
  const words = budgets.map((n) => (n === 1 ? "1 sample" : `${n} samples`));
  const judge = choices("Judge", judges.map(({ name }) => name), choose("judge"));
  const way = choices("The answer is chosen by", Object.values(WAYS), choose("choose"));
  const quality = slider("Quality of the noisy oracle", noisy.map((q) => `${q}${{ 0.5: ", chance" }[q] ?? ""}`), { input: (step) => select({ quality: step }), change: save });
  const difficulty = difficulties(groups, choose("group"));
  const budget = slider("Budget", words, { input: (step) => select({ budget: step }), change: save });
  const chart = budgetChart(budgets, "problems solved", { choose: choose("budget"), paint });
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: problems solved with the answer that the judge chooses, with its 95% band over problems; above, coverage (a perfect judge); below, a vote (no judge). " +
    "The noisy oracle errs by chance, once for each text; its quality is its AUC, and it is charged nothing. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, judge.node, way.node, quality.node, difficulty.node, budget.node, chart.node, table.node, about);
  const question = prediction(
    `A vote among ${words[asked.budget]} solves ${said("none")} of the problems, a perfect judge ${said("oracle")}. ` +
      `Weight each sample's vote by its score from the ${judges[asked.judge].name}: how many are solved?`,
    Math.round(100 * curve("none").mean[asked.budget]), (percent) => { guess = percent; reveal(); judge.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  const form = frame("How good is your judge?", question, result);
  el.replaceChildren(form);

  /** The numbers of a judge in the group selected; of a judge without scores the way of choosing does not matter. */
  function curve(key) {
    return curves.find((each) => each.judge === key && (!each.choose || each.choose === keys[selected.choose]) &&
      (each.quality === undefined || each.quality === noisy[selected.quality])).groups[selected.group];
  }

  function said(key) { return curve(key).said[selected.budget][0]; }

  function current() { return judges[selected.judge]; }

  function scores() { return current().key !== "none" && current().key !== "oracle"; }

  function isAsked() { return guess !== null && ["judge", "choose", "group", "budget"].every((part) => selected[part] === asked[part]); }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    form.dataset.judge = current().key;
    budget.step = selected.budget;
    quality.step = selected.quality;
    judge.chosen = selected.judge;
    way.chosen = selected.choose;
    difficulty.chosen = selected.group;
    way.disabled = !scores();
    quality.node.hidden = current().key !== "noisy";
    table.show(inNumbers(), selected.budget);
    sentence.say(inWords());
    chart.draw();
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function named() {
    if (!scores()) return current().key === "none" ? "no judge, by a vote" : "a perfect judge";
    const dial = current().key === "noisy" ? ` of quality ${noisy[selected.quality]}` : "";
    return `the ${current().name}${dial}, by ${WAYS[keys[selected.choose]]}`;
  }

  function inWords() {
    const [measured, interval, cost] = curve(current().key).said[selected.budget];
    const where = selected.group ? `the problems in the ${groups[selected.group].name}` : "the problems";
    const guessed = isAsked() ? ` You guessed ${guess}%.` : "";
    const others = scores() ? ` A vote solves ${said("none")}, a perfect judge ${said("oracle")}.` : "";
    return `With ${words[selected.budget]} and ${named()}, ${measured} (${interval}) of ${where} are solved.${guessed}${others} Cost: ${cost} a problem.`;
  }

  function inNumbers() {
    const { name, problems } = groups[selected.group];
    const rows = budgets.map((n, i) => [String(n), ...curve(current().key).said[i], curve("none").said[i][0], curve("oracle").said[i][0]]);
    return { caption: `${name[0].toUpperCase()}${name.slice(1)}: ${problems} problems, ${named()}`, columns, rows };
  }

  function paint(plot) {
    const { x, y, right } = plot;
    const { mean, low, high } = curve(current().key);
    const [vote, oracle] = [curve("none").mean, curve("oracle").mean];
    const here = budgets[selected.budget];
    const lines = [
      ["ttc-oracle", current().key === "oracle" ? "" : "coverage", oracle],
      ["ttc-judge", current().label, mean],
      ["ttc-vote", current().key === "none" ? "" : "vote", vote],
    ];

    drawBand(plot, budgets, low, high);
    drawRule(plot, here);
    for (const name of ["ttc-vote", "ttc-oracle", "ttc-judge"]) drawLine(plot, name, budgets, lines.find((line) => line[0] === name)[2]);
    nameLines(plot, lines.map(([name, label, values]) => [name, label, values.at(-1)]).toSorted((a, b) => b[2] - a[2]));
    drawDot(plot, "ttc-vote", here, vote[selected.budget], 4);
    drawDot(plot, "ttc-oracle", here, oracle[selected.budget], 4);
    drawDot(plot, "ttc-judge", here, mean[selected.budget], 6);
    // The value stands left of the rule and the guess right of it; at either end of the chart there is room on one side only.
    const height = y(mean[selected.budget]) - 14;
    const asLast = isAsked() && x(here) > right - 70;
    drawValue(plot, "ttc-judge", here, height, said(current().key), x(here) < x.range()[0] + 45);
    drawGuess(plot, here, isAsked() ? guess : null, asLast ? height : -Infinity, !asLast);
    plot.describe(`Chart. ${inWords()}`);
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const found = {
      judge: indexOf(judges, state.judge), choose: keys.indexOf(state.choose), quality: noisy.indexOf(Number(state.quality)),
      group: indexOf(groups, String(state.problems)), budget: budgets.indexOf(Number(state.samples)),
    };
    const known = Object.fromEntries(Object.entries(found).filter(([, index]) => index >= 0));
    if (!Object.keys(known).length) return;
    Object.assign(selected, asked, known);
    reveal();
  }

  function save() {
    model.set("state", {
      judge: current().key, choose: keys[selected.choose], quality: noisy[selected.quality] ?? 0,
      samples: budgets[selected.budget], problems: groups[selected.group].key,
    });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
