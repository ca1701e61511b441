// Scaling curves: what each strategy solves for its FLOPs, beside one pass of the large model, dashed.
import {
  budgetChart, choices, dataTable, difficulties, drawBand, drawDot, drawGuess, drawLine, drawRule, drawValue, element, frame, liveSentence,
  nameLines, prediction, slider, toggles,
} from "./common.js";

const [MEAN, LOW, HIGH, FLOPS, SOLVED, COST] = [0, 1, 2, 3, 4, 5]; // of a point

function render({ model, el }) {
  const { shares, strategies, opponents, opponent, asked, groups, columns, source } = model.get("data");
  const trained = [...strategies.keys()].filter((index) => strategies[index].key !== "oracle");
  const first = { shown: trained, group: 0, opponent, budget: asked };
  const selected = { ...first };
  let guess = null;

  const choose = (part) => (index) => { select({ [part]: index }); save(); };
  const shown = toggles("Strategies of the small model", strategies.map(({ name }) => name), (index) => {
    select({ shown: [...strategies.keys()].filter((each) => selected.shown.includes(each) !== (each === index)) });
    save();
  });
  const difficulty = difficulties(groups, choose("group"));
  const large = choices("Training of the 14x model", opponents, choose("opponent"));
  const words = shares.map((share) => `${share} one pass of the 14x model`);
  const budget = slider("Budget", words, { input: (step) => select({ budget: step }), change: save });
  const costs = groups.flatMap(({ curves, budgets }) => [...budgets, ...curves.flatMap(({ points }) => points.map((point) => point[FLOPS]))]);
  const domain = [Math.min(...costs) / 1.2, Math.max(...costs)];
  const chart = budgetChart(shares, "problems solved", {
    choose: choose("budget"), paint,
    axis: {
      domain, ticks: [1e6, 1e7, 1e8, 1e9, 1e10].filter((n) => n > domain[0] && n < domain[1]), format: (n) => `${n / 1e6}`,
      title: "million FLOPs a problem", at: (step) => groups[selected.group].budgets[step],
    },
  });
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: problems solved with 95% bands over problems; each strategy does the dearest thing that the budget pays. The best of those shown is " +
    "picked after measuring, which flatters it a little. Judges are charged for reading, the oracle is charged nothing; no training is charged. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, shown.node, difficulty.node, large.node, budget.node, chart.node, table.node, about);
  const question = prediction(
    `One pass of the 14x model costs ${groups[0].large[opponent][COST]} a problem and solves ${share(groups[0].large[opponent])}. For as many FLOPs the small ` +
      "model may vote, be judged, search or revise. How many problems does the best of these solve?",
    Math.round(100 * groups[0].large[opponent][MEAN]), (percent) => { guess = percent; reveal(); budget.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  el.replaceChildren(frame("Scaling curves: what do FLOPs buy?", question, result));

  function group() { return groups[selected.group]; }

  function share(point) { return point[SOLVED].split(" ")[0]; }

  /** The point that a strategy reaches in the group for the budget, null where the budget pays for none. */
  function reached(index) {
    const { points, payable, minus } = group().curves[index];
    const way = payable[selected.budget];
    return way < 0 ? null : { index, point: points[way], what: strategies[index].ways[way], minus: minus[way][selected.opponent] };
  }

  function best() {
    const found = selected.shown.map(reached).filter(Boolean);
    return found.reduce((a, b) => (a && a.point[MEAN] >= b.point[MEAN] ? a : b), null);
  }

  function isAsked() {
    return guess !== null && ["group", "opponent", "budget"].every((part) => selected[part] === first[part]) &&
      String(selected.shown) === String(first.shown);
  }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    shown.on = selected.shown;
    difficulty.chosen = selected.group;
    large.chosen = selected.opponent;
    budget.step = selected.budget;
    table.show(...inNumbers());
    sentence.say(inWords());
    chart.draw();
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function inWords() {
    const { said, name, large: passes } = group();
    const pass = passes[selected.opponent];
    const where = selected.group ? `the problems in the ${name}` : "the problems";
    const other = `One pass of the 14x model, trained for ${opponents[selected.opponent]}, solves ${pass[SOLVED]} for ${pass[COST]}.`;
    const found = best();
    if (!found) return `For ${said[selected.budget]} a problem no strategy that is shown can be paid. ${other}`;
    const guessed = isAsked() ? ` You guessed ${guess}%.` : "";
    return `For at most ${said[selected.budget]} a problem, the best of those shown is ${strategies[found.index].name}, ${found.what}: ${found.point[SOLVED]} of ${where} ` +
      `for ${found.point[COST]}.${guessed} ${other} The difference is ${found.minus} points.`;
  }

  function inNumbers() {
    const { name, problems, said, large: passes } = group();
    const rows = strategies.map(({ name: strategy }, index) => {
      const found = reached(index);
      return found ? [strategy, found.what, found.point[SOLVED], found.point[COST], found.minus] : [strategy, "too dear", "", "", ""];
    });
    const pass = passes[selected.opponent];
    rows.push(["14x", `1 pass, ${opponents[selected.opponent]}`, pass[SOLVED], pass[COST], ""]);
    return [{ caption: `${name[0].toUpperCase()}${name.slice(1)}: ${problems} problems, for at most ${said[selected.budget]}`, columns, rows }, best()?.index];
  }

  function paint(plot) {
    const { x, y, right } = plot;
    const { curves, budgets, large: passes } = group();
    const here = budgets[selected.budget];
    const pass = passes[selected.opponent];
    const found = best();
    const name = (index) => `ttc-s-${strategies[index].key}`;
    const column = (points, part) => points.map((point) => point[part]);

    curves.forEach(({ points }, index) => {
      const drawn = selected.shown.includes(index) ? points : [];
      drawBand(plot, column(drawn, FLOPS), column(drawn, LOW), column(drawn, HIGH), name(index));
    });
    drawRule(plot, here);
    drawLine(plot, "ttc-s-large", x.domain(), [pass[MEAN], pass[MEAN]]);
    curves.forEach(({ points }, index) => {
      const drawn = selected.shown.includes(index) ? points : [];
      drawLine(plot, name(index), column(drawn, FLOPS), column(drawn, MEAN));
    });
    const lines = curves.map(({ points }, index) =>
      [name(index), selected.shown.includes(index) ? strategies[index].name.replace("Revision", "Revise") : "", points.at(-1)[MEAN]]);
    nameLines(plot, [...lines, ["ttc-s-large", "14x pass", pass[MEAN]]].toSorted((a, b) => b[2] - a[2]));
    curves.forEach((_, index) => {
      const point = selected.shown.includes(index) && reached(index)?.point;
      drawDot(plot, name(index), point ? point[FLOPS] : here, point ? point[MEAN] : 0, point ? (index === found.index ? 6 : 4) : 0);
    });
    drawDot(plot, "ttc-s-large", pass[FLOPS], pass[MEAN], 4);
    // Above the upper dot there is room; near an end of the chart on one side of the rule only.
    const height = found ? Math.max(y(found.point[MEAN]) - 14, y.range()[1] - 10) : 0;
    const start = x(here) < x.range()[0] + 45;
    drawValue(plot, "ttc-best", here, height, found ? share(found.point) : "", start);
    drawGuess(plot, here, isAsked() ? guess : null, x(here) > right - 70 ? height : -Infinity, x(here) <= right - 70);
    plot.describe(`Chart. ${inWords()}`);
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const known = {
      group: groups.findIndex(({ key }) => key === String(state.problems)), opponent: opponents.indexOf(state.large), budget: shares.indexOf(state.budget),
    };
    const kept = Object.fromEntries(Object.entries(known).filter(([, index]) => index >= 0));
    const keys = String(state.shown ?? "none").split(" ");
    const listed = [...strategies.keys()].filter((index) => keys.includes(strategies[index].key));
    if (listed.length || state.shown === "") kept.shown = listed;
    if (!Object.keys(kept).length) return;
    Object.assign(selected, first, kept);
    reveal();
  }

  function save() {
    model.set("state", {
      shown: selected.shown.map((index) => strategies[index].key).join(" "), problems: groups[selected.group].key, large: opponents[selected.opponent], budget: shares[selected.budget],
    });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
