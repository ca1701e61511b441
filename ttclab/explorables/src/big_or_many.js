// Big once or small many: one pass of the large model against as many samples of the small one as its FLOPs pay for.
import {
  budgetChart, choices, dataTable, difficulties, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, element, frame, liveSentence,
  nameLines, prediction, slider,
} from "./common.js";

const JUDGED = { vote: "chosen by a vote", prm: "weighted by the PRM's scores", oracle: "chosen by a perfect judge" };
const ABOUT = { vote: "a vote", prm: "the PRM", oracle: "a perfect judge" };
const PASSES = { 0.125: "⅛ of a large pass", 0.25: "¼ of a large pass", 0.5: "½ a large pass", 1: "1 large pass, so equal FLOPs" };

function render({ model, el }) {
  const { passes, groups, larges, judges, curves, columns, met, source } = model.get("data");
  const asked = {
    judge: 0, group: 0, budget: Math.max(passes.indexOf(1), 0), large: larges.findIndex(({ steps }) => steps === met),
  };
  const selected = { ...asked };
  let guess = null;

  const choose = (part) => (index) => { select({ [part]: index }); save(); };
  const words = passes.map((n) => PASSES[n] ?? `${n} large passes`);
  const judge = choices("The small model's answer is chosen by", judges.map(({ key, name }) => ABOUT[key] ?? name), choose("judge"));
  const large = choices("Steps of training of the large model", larges.map(({ steps }) => String(steps)), choose("large"));
  const difficulty = difficulties(groups, choose("group"));
  const budget = slider("FLOPs of the small model", words, { input: (step) => select({ budget: step }), change: save });
  const chart = budgetChart(passes, "problems solved", { choose: choose("budget"), paint, axis: { title: "FLOPs, in passes of the large model" } });
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: problems solved, with 95% bands over problems; dashed, one greedy pass of the large model. The small model draws as many samples as the FLOPs pay for, " +
    "with the PRM's reading of them; a vote and a perfect judge cost nothing. Training is not counted. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, judge.node, difficulty.node, large.node, budget.node, chart.node, table.node, about);
  const question = prediction(
    `One pass of the large model solves ${once().said[0]} of the problems. For the same FLOPs the small one draws ${curve().samples[asked.budget]} samples. ` +
      `Let them vote: how many problems are solved?`,
    Math.round(100 * once().mean), (percent) => { guess = percent; reveal(); judge.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  const form = frame("Big once or small many?", question, result);
  el.replaceChildren(form);

  /** The small model's numbers with the judge selected, beside the large model selected. */
  function curve() {
    return curves.find((each) => each.large === larges[selected.large].steps && each.judge === judges[selected.judge].key);
  }

  function small() { return curve().groups[selected.group]; }

  function once() { return larges[selected.large].groups[selected.group]; }

  function isAsked() { return guess !== null && Object.keys(asked).every((part) => selected[part] === asked[part]); }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    form.dataset.judge = judges[selected.judge].key;
    judge.chosen = selected.judge;
    large.chosen = selected.large;
    difficulty.chosen = selected.group;
    budget.step = selected.budget;
    table.show(inNumbers(), selected.budget);
    sentence.say(inWords());
    chart.draw();
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function samples(i) {
    const drawn = curve().samples[i];
    return drawn === 1 ? "1 sample" : `${drawn} samples`;
  }

  function inWords() {
    const { said, wins } = small();
    const [solved, interval, cost, difference] = said[selected.budget];
    const [theirs, within, price] = once().said;
    const where = selected.group ? `the problems in the ${groups[selected.group].name}` : "the problems";
    const verdict = {
      small: "The small model is ahead", large: "The large model is ahead", neither: "Neither is clearly ahead",
    }[wins[selected.budget]];
    const how = JUDGED[judges[selected.judge].key] ?? `chosen by ${judges[selected.judge].name}`;
    const guessed = isAsked() ? ` You guessed ${guess}%.` : "";
    return `${samples(selected.budget)} of the small model, ${how}, solve ${solved} (${interval}) of ${where} for ${cost} a problem. ` +
      `One pass of the large model, trained for ${larges[selected.large].steps} steps, solves ${theirs} (${within}) for ${price}.${guessed} ` +
      `${verdict}: small minus large is ${difference} points.`;
  }

  function inNumbers() {
    const { name, problems } = groups[selected.group];
    const [solved, interval, cost] = once().said;
    const rows = small().said.map((said, i) => [String(passes[i]), String(curve().samples[i]), ...said]);
    return {
      caption: `${name[0].toUpperCase()}${name.slice(1)}: ${problems} problems. The small model's answer is chosen by ${ABOUT[judges[selected.judge].key] ?? judges[selected.judge].name}; ` +
        `the large model, trained for ${larges[selected.large].steps} steps, solves ${solved} (${interval}) for ${cost}.`,
      columns, rows,
    };
  }

  function paint(plot) {
    const { x, y, right } = plot;
    const { mean, low, high, said } = small();
    const here = passes[selected.budget];
    const level = once().mean;
    const lines = [["ttc-judge", "small", mean.at(-1)], ["ttc-large", "large", level]];

    drawBand(plot, passes, low, high);
    drawRule(plot, here);
    drawLine(plot, "ttc-large", passes, passes.map(() => level));
    drawLine(plot, "ttc-judge", passes, mean);
    nameLines(plot, lines.toSorted((a, b) => b[2] - a[2]));
    drawDot(plot, "ttc-large", here, level, 4);
    drawDot(plot, "ttc-judge", here, mean[selected.budget], 6);
    // The two values stand left of the rule, one above the other; at the left end of the chart there is room on the right.
    const roomLeft = x(here) > x.range()[0] + 45;
    const above = mean[selected.budget] >= level;
    const [upper, lower] = [y(Math.max(mean[selected.budget], level)) - 14, y(Math.min(mean[selected.budget], level)) + 15];
    const [mine, other] = above ? [upper, lower] : [lower, upper];
    drawValue(plot, "ttc-judge", here, mine, said[selected.budget][0], !roomLeft);
    drawValue(plot, "ttc-large", here, other, once().said[0], !roomLeft);
    drawGuess(plot, here, isAsked() ? guess : null, -Infinity, x(here) < right - 70);
    plot.describe(`Chart. ${inWords()}`);
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const found = {
      judge: judges.findIndex(({ key }) => key === state.judge), large: larges.findIndex(({ steps }) => steps === Number(state.large)),
      group: groups.findIndex(({ key }) => key === String(state.problems)), budget: passes.indexOf(Number(state.passes)),
    };
    const known = Object.fromEntries(Object.entries(found).filter(([, index]) => index >= 0));
    if (!Object.keys(known).length) return;
    Object.assign(selected, asked, known);
    reveal();
  }

  function save() {
    model.set("state", {
      judge: judges[selected.judge].key, large: larges[selected.large].steps, passes: passes[selected.budget], problems: groups[selected.group].key,
    });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
