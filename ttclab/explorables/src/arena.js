// The arena: a game. Problems arrive one by one, the player spends one budget on all of them; the policies have played them too.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select as pick } from "d3-selection";
import { line } from "d3-shape";
import { dataTable, element, frame, liveSentence, mark, slider, spread } from "./common.js";
import css from "./arena.css";

const PLACES = ["first", "second", "third", "fourth", "last"];

function render({ model, el }) {
  const { budget, draws, options, policies, problems, rounds, source } = model.get("data");
  const counts = [...new Set(options.map(([N]) => N))];
  const lengths = [...new Set(options.map(([, T]) => T))];
  const size = rounds[0].problems.length;
  const players = [{ key: "you", name: "You" }, ...policies];
  let round = 0;
  let moves = []; // the options spent so far, one a problem
  let asked = null; // the round that waits for the player to give up this one

  const samples = slider("New samples", counts.map(String), { input: showMove });
  const revisions = slider("Revisions of each", lengths.map((T) => (T ? String(T) : "none")), { input: showMove });
  const menu = element("select", { "aria-label": "Round" }, ...rounds.map((_, index) => element("option", { value: index }, `Round ${index + 1}`)));
  menu.addEventListener("change", () => leave(Number(menu.value), menu));
  const button = (words, act) => {
    const node = element("button", { type: "button" }, words);
    node.addEventListener("click", act);
    return node;
  };
  const spend = button("", () => { if (problemWith() === null) { play(draft()); save(); if (isOver()) next.focus(); } });
  const next = button("Next round", () => { begin((round + 1) % rounds.length); save(); samples.focus(); });
  const again = button("Start again", () => leave(round, again));
  const [stay, give] = [button("Play on", () => answer(false)), button("Give up", () => answer(true))];
  again.className = give.className = "ttc-second";
  const buttons = element("div", { class: "ttc-buttons" }, spend, next, again);
  const doubt = element("p", {});
  const ask = element("div", { class: "ttc-ask", role: "group", "aria-label": "Give up the round?", hidden: "" }, doubt, element("div", { class: "ttc-buttons" }, stay, give));
  ask.addEventListener("keydown", ({ key }) => { if (key === "Escape") answer(false); });
  const [where, question, first, cost] = ["ttc-where", "ttc-asked", "ttc-first", "ttc-cost"].map((name) => element("p", { class: name }));
  const purse = element("div", { class: "ttc-purse", "aria-hidden": "true" });
  const card = element("div", { class: "ttc-card" }, where, purse, question, first, samples.node, revisions.node, cost);
  const sentence = liveSentence();
  const board = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The board" });
  const chart = raceChart();
  const table = dataTable();
  const form = frame("The arena",
    element("p", {}, `${size} problems arrive, one by one, and you have ${budget} generations for all of them. The revision model has tried each problem once: you see ` +
      "its answer and the score that a verifier gives it. Keep that answer for nothing, or buy new samples and revisions, and the verifier will choose among those. " +
      "Four policies have played the same problems with as many generations. Ranked is by score: how many problems you solve beyond what uniform sampling solves " +
      "for the FLOPs that you spent."),
    element("label", { class: "ttc-select" }, element("span", { class: "ttc-label" }, "Round"), menu),
    card, buttons, ask, sentence.node, board, chart.node, table.node,
    element("p", { class: "ttc-source" },
      `Shown: after each move what came of one recorded draw; dashed in the chart, uniform sampling with all its budgets. Counted is the share of ${draws} such draws that is right, so that luck decides nothing, and every FLOP, ` +
        "the look at first attempts included. A draw that you check by hand makes you an oracle, which no policy is. In a third of the problems the verifier is sure that " +
        "the first attempt is right, in a third that it is wrong: unlike the test set, where it is nearly always sure that it is right. In the book the page's address " +
        "holds your moves: send it to somebody. ",
      `Data: ${source}.`));
  form.append(element("style", {}, css));
  el.replaceChildren(form);

  function isOver() { return moves.length === size; }

  function price(option) { return options[option][0] * (1 + options[option][1]); }

  function left() { return budget - moves.reduce((sum, option) => sum + price(option), 0); }

  /** N and T of the sliders; whoever draws nothing revises nothing. */
  function chosen() {
    const N = counts[samples.step];
    return [N, N ? lengths[revisions.step] : 0];
  }

  /** The option of the sliders, -1 where it is not recorded. */
  function draft() {
    const [N, T] = chosen();
    return options.findIndex(([n, t]) => n === N && t === T);
  }

  /** Why the move of the sliders can't be played, null if it can. */
  function problemWith() {
    const [N, T] = chosen();
    if (N * (1 + T) > left()) return `Too many: only ${generations(left())} left`;
    if (draft() < 0) return `Not recorded: with ${T} revisions of each, at most ${Math.max(...options.filter(([, t]) => t === T).map(([n]) => n))} samples`;
    return null;
  }

  /** Begin a round, unless that would throw a game away: then ask first, and go back to `control` if the answer is no. */
  function leave(number, control) {
    if (!moves.length || isOver()) { begin(number); save(); return; }
    asked = { number, control };
    menu.value = round;
    doubt.textContent = `Give up round ${round + 1} after ${moves.length} of ${size} problems? Its moves will be lost.`;
    [buttons.hidden, ask.hidden] = [true, false];
    stay.focus();
  }

  function answer(yes) {
    const { number, control } = asked;
    stopAsking();
    if (yes) { begin(number); save(); }
    control.focus();
  }

  function stopAsking() {
    asked = null;
    [buttons.hidden, ask.hidden] = [false, true];
  }

  function begin(number) {
    [round, moves] = [number, []];
    show();
  }

  function play(option) {
    moves.push(option);
    show();
  }

  /** What somebody has after `until` problems. The policies' totals are in the data; yours are added up here. */
  function totals(player, until) {
    const { problems: places, rivals, uniform } = rounds[round];
    const sums = (values) => values.reduce((all, value) => [...all, all.at(-1) + value], [0]);
    if (player) {
      const { score, ...rival } = rivals[player - 1];
      const grown = (name) => [0, ...rival[name].slice(0, until)];
      return { ...rival, solved: grown("solved"), generations: grown("generations").at(-1), flops: grown("flops"), score: until ? score[until - 1] : 0 };
    }
    const wins = moves.map((option, i) => problems[places[i]].wins[option]);
    const [solved, flops] = [sums(wins), sums(moves.map((option, i) => problems[places[i]].look + problems[places[i]].flops[option]))]; // every look is paid
    const beyond = until ? solved.at(-1) - mixed(uniform[until - 1], flops.at(-1)) : 0;
    return { moves, wins, solved, generations: budget - left(), flops, score: Math.round((100 * beyond) / draws) / 100 };
  }

  /** The wins of uniform sampling for these FLOPs: between two of its budgets a mix of both, beyond the last no more than that. */
  function mixed(curve, flops) {
    const above = curve.findIndex(([cost]) => cost > flops);
    if (above < 0) return curve.at(-1)[1];
    const [[fewer, low], [more, high]] = curve.slice(above - 1, above + 1);
    return low + ((high - low) * (flops - fewer)) / (more - fewer);
  }

  function show() {
    const until = moves.length;
    const all = players.map((_, player) => totals(player, until));
    stopAsking();
    menu.value = round;
    card.hidden = spend.hidden = isOver();
    next.hidden = !isOver();
    if (!isOver()) {
      const problem = problems[rounds[round].problems[until]];
      where.textContent = `Problem ${until + 1} of ${size}. ${generations(left())} left.`;
      purse.style.setProperty("--ttc-share", `${(100 * left()) / budget}%`);
      question.textContent = problem.question;
      first.replaceChildren(`First attempt: ${problem.first}. The verifier's score: ${problem.score} `, element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(problem.score)}%` }));
      samples.step = counts.findLastIndex((N) => N <= Math.min(budget / size, left())); // at first what uniform sampling spends
      revisions.step = 0;
      showMove();
    }
    showBoard(all, until);
    sentence.say(inWords(all, until));
    table.show(standings(all, until));
    chart.draw(all, until, inWords(all, until));
  }

  /** The button says what it does, the line above it what is left then. */
  function showMove() {
    const [N, T] = chosen();
    const problem = problems[rounds[round].problems[moves.length]];
    const rest = size - moves.length - 1;
    const trouble = problemWith();
    const paid = N * (1 + T);
    revisions.disabled = !N;
    spend.setAttribute("aria-disabled", trouble !== null);
    spend.textContent = trouble ?? (N ? `Draw ${T ? `${N} × ${1 + T} attempts` : N === 1 ? "1 sample" : `${N} samples`}` : `Keep ${problem.first}`);
    cost.textContent = `${N ? `${T ? `${N} × ${1 + T} = ` : ""}${generations(paid)}` : "Nothing spent"}; ` +
      (paid > left() ? `${left()} left.` : `leaves ${left() - paid} for ${rest === 1 ? "1 more problem" : `${rest} more problems`}.`);
  }

  /** A row a player, a column a problem: what was spent on it, the darker the more often right. */
  function showBoard(all, until) {
    const head = Array.from({ length: size }, (_, i) => element("th", { scope: "col", "aria-current": i === until }, String(i + 1)));
    const rows = all.map(({ moves: spent, wins, solved, score }, player) => {
      const cells = Array.from({ length: size }, (_, i) => (i < until
        ? element("td", { class: "ttc-tile", style: `--ttc-share: ${(100 * wins[i]) / draws}%`, title: `${wins[i]} of ${draws} right` },
          element("span", { class: "ttc-unseen" }, `${wins[i]} of ${draws} right for `), String(price(spent[i])))
        : element("td", {})));
      return element("tr", { class: `ttc-${players[player].key}` }, element("th", { scope: "row" }, players[player].name), ...cells,
        element("td", { class: "ttc-sum ttc-solved" }, tenths(solved.at(-1))), element("td", { class: "ttc-sum" }, signed(score)));
    });
    board.replaceChildren(element("table", { class: "ttc-board" },
      element("caption", {}, "Generations spent on each problem; the fuller the tile, the more of the draws are right. Score: solved beyond uniform sampling for the same FLOPs"),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Player"), ...head,
        element("th", { scope: "col", class: "ttc-solved" }, "Solved"), element("th", { scope: "col" }, "Score"))),
      element("tbody", {}, ...rows)));
  }

  function standings(all, until) {
    const rows = all.map(({ solved, generations: spent, flops, score }, player) => [
      players[player].name, signed(score), `${tenths(solved.at(-1))} of ${until}`, String(spent), inFlops(flops.at(-1)), players[player].does ?? "every look paid",
    ]);
    return { caption: `Round ${round + 1}, after ${until} of ${size} problems`, columns: ["Player", "Score", "Solved", "Generations", "FLOPs", "What it does"], rows };
  }

  function inWords(all, until) {
    if (!until) return `Round ${round + 1}: problem 1 of ${size} is here. ${generations(budget)} to spend.`;
    const problem = problems[rounds[round].problems[until - 1]];
    const option = moves.at(-1);
    const [N, T] = options[option];
    const came = problem.came[option];
    const right = came === problem.answer;
    const how = N ? `From ${N} × ${1 + T} the verifier chose ${came}` : `You kept ${came}`;
    const truth = right ? "right" : `wrong, the answer is ${problem.answer}`;
    const often = N ? ` In ${problem.wins[option]} of ${draws} draws it would be right.` : "";
    const said = `Problem ${until}: ${how}: ${truth}.${often}`;
    const [you, ...rivals] = all.map(({ solved, flops, score }, player) => ({ solved: solved.at(-1), flops: flops.at(-1), score, name: players[player].name }));
    const beyond = you.score ? `${signed(Math.abs(you.score)).slice(1)} ${you.score > 0 ? "more" : "fewer"} than uniform sampling` : "as many as uniform sampling";
    if (!isOver()) return `${said} So far you solve ${tenths(you.solved)} of ${until}, ${beyond} for the same FLOPs.`;
    const ahead = rivals.filter(({ score }) => score > you.score).toSorted((a, b) => b.score - a.score);
    return `${said} Round ${round + 1} is over: you solve ${tenths(you.solved)} of ${size} for ${inFlops(you.flops)}, ${beyond} for the same FLOPs. With a score of ` +
      `${signed(you.score)} you come ${PLACES[ahead.length]} of ${players.length}${ahead.length ? `, after ${listed(ahead.map(({ name, score }) => `${name} (${signed(score)})`))}` : ""}.`;
  }

  function raceChart() {
    const node = element("div", { class: "ttc-chart ttc-race" });
    const svg = pick(node).append("svg").attr("role", "img");
    const [yAxis, xAxis, layer] = ["ttc-axis", "ttc-axis", "ttc-layer"].map((name) => svg.append("g").attr("class", name));
    const [yText, xText] = [0, 1].map(() => svg.append("text").attr("class", "ttc-title-text"));
    let [width, last] = [0, null];
    const draw = () => {
      if (!width || !last) return;
      const [all, until, words] = last;
      const height = Math.round(Math.min(300, Math.max(220, width * 0.45)));
      const edge = { top: 26, right: 74, bottom: 42, left: 28 };
      const ends = rounds[round].rivals.map(({ flops }) => flops.at(-1));
      const x = scaleLinear([0, Math.max(...ends, all[0].flops.at(-1)) / 1e6], [edge.left, width - edge.right]);
      const y = scaleLinear([0, size], [height - edge.bottom, edge.top]);
      svg.attr("width", width).attr("height", height).attr("aria-label", `Chart. ${words}`);
      yAxis.attr("transform", `translate(${edge.left},0)`).call(axisLeft(y).ticks(4).tickSize(edge.left + edge.right - width).tickPadding(7));
      xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(Math.min(6, width / 80)).tickSize(4));
      yText.attr("x", 2).attr("y", 13).text("solved so far");
      xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text("GFLOPs spent so far");
      const order = all.map((_, player) => player).toSorted((a, b) => all[b].solved.at(-1) - all[a].solved.at(-1));
      const heights = spread(order.map((player) => y(all[player].solved.at(-1) / draws)), 15, edge.top, height - edge.bottom);
      const curve = (until ? rounds[round].uniform[until - 1] : []).map(([flops, wins]) => [flops / 1e6, wins / draws]).filter(([flops]) => flops <= x.domain()[1]);
      mark(layer, "path", "ttc-line ttc-par").attr("d", line()(curve.map(([flops, solved]) => [x(flops), y(solved)])));
      for (const player of [1, 2, 3, 4, 0].filter((index) => index < all.length)) {
        const { solved, flops } = all[player];
        const points = solved.map((wins, i) => [x(flops[i] / 1e6), y(wins / draws)]);
        const name = `ttc-${players[player].key}`;
        mark(layer, "path", `ttc-line ${name}`).attr("d", line()(points));
        mark(layer, "circle", `ttc-dot ttc-moves ${name}`).attr("r", player ? 4 : 6).style("transform", `translate(${points.at(-1)[0]}px,${points.at(-1)[1]}px)`);
        mark(layer, "text", `ttc-name ${name}`).attr("x", width - edge.right + 8).attr("dy", "0.32em").attr("y", heights[order.indexOf(player)]).text(until ? players[player].name : "");
      }
    };
    const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); draw(); });
    observer.observe(node);
    return { node, draw: (...what) => { last = what; draw(); }, stop: () => observer.disconnect() };
  }

  function signed(score) { return `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.abs(score).toFixed(2)}`; }

  function tenths(wins) { return (wins / draws).toFixed(1); }

  function inFlops(thousands) { return thousands >= 1e6 ? `${(thousands / 1e6).toFixed(2)} GFLOPs` : `${Math.round(thousands / 1e3)} MFLOPs`; }

  function generations(n) { return n === 1 ? "1 generation" : `${n} generations`; }

  function listed(names) { return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]; }

  // The game lives in the model: in a notebook that is the widget's `state`, in a page the address. Moves are N x T.
  function load() {
    const state = model.get("state");
    const number = Number(state.round) - 1;
    if (!rounds[number]) return false;
    [round, moves] = [number, []];
    for (const move of String(state.moves ?? "").split(".").slice(0, size)) {
      const option = options.findIndex(([N, T]) => `${N}x${T}` === move);
      if (option < 0 || price(option) > left()) break;
      moves.push(option);
    }
    show();
    return true;
  }

  function save() {
    model.set("state", { round: round + 1, moves: moves.map((option) => options[option].join("x")).join(".") });
    model.save_changes();
  }

  model.on("change:state", load);
  if (!load()) begin(0);
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
