// The arena: a game. Problems arrive one by one, the player spends one budget on all of them; four policies have played them too.
// What comes of a move, and all that the policies did, is looked up; the player's own totals and score are added up here.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import css from "./arena.css";
import { canvas, drawDot, mark, spread } from "./chart.js";
import { button, element, menu, slider } from "./controls.js";
import { oneOf, View } from "./view.js";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {{ question: string, answer: string, first: string, score: string, look: number, came: string[], wins: number[],
 *   flops: number[] }} Problem What came of each option, and how often it is right; FLOPs in thousands.
 *
 * @typedef {object} Rival A policy in a round: its moves and, after each problem, its totals.
 * @property {number[]} moves
 * @property {number[]} wins of each problem, in draws
 * @property {number[]} solved in draws
 * @property {number[]} generations
 * @property {number[]} flops in thousands
 * @property {number[]} score problems solved beyond uniform sampling for the same FLOPs
 *
 * @typedef {[flops: number, wins: number][]} Curve Of uniform sampling, over its budgets.
 * @typedef {{ problems: number[], rivals: Rival[], uniform: Curve[] }} Round
 * @typedef {{ budget: number, draws: number, options: [number, number][], policies: { key: string, name: string, does: string }[],
 *   problems: Problem[], rounds: Round[] }} Data
 *
 * @typedef {Rival} Standing The same of anybody, after some of the problems: the totals begin with nothing.
 */

const PLACES = ["first", "second", "third", "fourth", "last"];

/** @param {import("./view.js").Context} context */
export function arena(context) {
  /** @type {Data} */
  const { budget, draws, options, policies, problems, rounds } = context.model.get("data");
  const counts = [...new Set(options.map(([N]) => N))];
  const lengths = [...new Set(options.map(([, T]) => T))];
  const size = rounds[0].problems.length;
  const players = [{ key: "you", name: "You", does: "every look paid" }, ...policies];
  /** @type {{ round: number, moves: number[] }} the moves are options, one a problem */
  const first = { round: 0, moves: [] };
  const view = new View(context, first, {
    round: oneOf("round", rounds.map((_, index) => index + 1)),
    moves: { key: "moves", read, write: (moves) => moves.map((option) => options[option].join("x")).join(".") },
  });
  const { selected } = view;
  /** @type {{ round: number, control: { focus(): void } } | null} the round that waits for the player to give up this one */
  let wanted = null;

  const samples = slider("New samples", counts.map(String), { input: showMove });
  const revisions = slider("Revisions of each", lengths.map((T) => (T ? String(T) : "none")), { input: showMove });
  const chosenRound = menu("Round", "Round", () => leave(chosenRound.value, chosenRound));
  chosenRound.entries = rounds.map((_, index) => [index, `Round ${index + 1}`]);
  const spend = button("", () => {
    if (trouble() !== null) return;
    view.change({ moves: [...selected.moves, draft()] });
    if (isOver()) next.focus();
  });
  const next = button("Next round", () => {
    begin((selected.round + 1) % rounds.length);
    samples.focus();
  });
  const again = button("Start again", () => leave(selected.round, again), "ttc-second");
  const stay = button("Play on", () => answer(false));
  const give = button("Give up", () => answer(true), "ttc-second");
  const buttons = element("div", { class: "ttc-buttons" }, spend, next, again);
  const doubt = element("p");
  const ask = element("div", { class: "ttc-ask", role: "group", "aria-label": "Give up the round?", hidden: "" },
    doubt, element("div", { class: "ttc-buttons" }, stay, give));
  ask.addEventListener("keydown", ({ key }) => { if (key === "Escape") answer(false); });
  const [where, question, attempt, cost] = ["ttc-where", "ttc-asked", "ttc-first", "ttc-cost"].map((name) => element("p", { class: name }));
  const purse = element("div", { class: "ttc-purse", "aria-hidden": "true" });
  const card = element("div", { class: "ttc-card" }, where, purse, question, attempt, samples.node, revisions.node, cost);
  const board = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The board" });
  const { svg, yAxis, xAxis, layer, yText, xText, describe, ...chart } = canvas(paint, "ttc-race");

  // The rules

  function isOver() { return selected.moves.length === size; }

  /** @param {number} option */
  function price(option) { return generations(...options[option]); }

  function left() { return budget - total(selected.moves.map(price)); }

  /**
   * The moves of a state, up to the first that breaks a rule; none without a round.
   *
   * @param {string} text
   * @param {import("./view.js").State} state
   */
  function read(text, state) {
    if (!rounds[Number(state.round) - 1]) return undefined;
    const moves = [];
    let rest = budget;
    for (const move of text.split(".").slice(0, size)) {
      const option = options.findIndex((each) => each.join("x") === move);
      if (option < 0 || price(option) > rest) break;
      moves.push(option);
      rest -= price(option);
    }
    return moves;
  }

  /**
   * N and T of the sliders; whoever draws nothing revises nothing.
   *
   * @returns {[number, number]}
   */
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
  function trouble() {
    const [N, T] = chosen();
    if (generations(N, T) > left()) return `Too many: only ${inWords(left())} left`;
    if (draft() >= 0) return null;
    const most = Math.max(...options.filter(([, t]) => t === T).map(([n]) => n));
    return `Not recorded: with ${T} revisions of each, at most ${most} samples`;
  }

  // Leaving a round

  /** @param {number} round */
  function begin(round) { view.change({ round, moves: [] }); }

  /**
   * Begin a round, unless that would throw a game away: then ask first, and go back to `control` afterwards.
   *
   * @param {number} round
   * @param {{ focus(): void }} control
   */
  function leave(round, control) {
    if (!selected.moves.length || isOver()) {
      begin(round);
      return;
    }
    wanted = { round, control };
    chosenRound.value = selected.round;
    doubt.textContent = `Give up round ${selected.round + 1} after ${selected.moves.length} of ${size} problems? Its moves will be lost.`;
    showAsked();
    stay.focus();
  }

  /** @param {boolean} yes */
  function answer(yes) {
    if (!wanted) return;
    const { round, control } = wanted;
    wanted = null;
    showAsked();
    if (yes) begin(round);
    control.focus();
  }

  function showAsked() {
    buttons.hidden = wanted !== null;
    ask.hidden = wanted === null;
  }

  // Standings

  /** @returns {Standing[]} everybody's, the player's first, after as many problems as the player has had */
  function standings() {
    const until = selected.moves.length;
    const grown = (/** @type {number[]} */ totals) => [0, ...totals.slice(0, until)];
    const rivals = rounds[selected.round].rivals.map(({ moves, wins, solved, generations: spent, flops, score }) => ({
      moves, wins, solved: grown(solved), generations: grown(spent), flops: grown(flops), score: grown(score),
    }));
    return [own(), ...rivals];
  }

  /** @returns {Standing} */
  function own() {
    const { problems: places, uniform } = rounds[selected.round];
    const { moves } = selected;
    const wins = moves.map((option, i) => problems[places[i]].wins[option]);
    const solved = totals(wins);
    const flops = totals(moves.map((option, i) => problems[places[i]].look + problems[places[i]].flops[option])); // every look is paid
    const beyond = solved.map((won, i) => (i ? Math.round((100 * (won - mixed(uniform[i - 1], flops[i]))) / draws) / 100 : 0));
    return { moves, wins, solved, generations: totals(moves.map(price)), flops, score: beyond };
  }

  /** @param {string} does what the player did with the last problem, and what came of it */
  function ranking(does) {
    const [you, ...rivals] = standings().map(({ solved, flops, score }, player) =>
      ({ solved: tenths(last(solved)), flops: inFlops(last(flops)), score: last(score), name: players[player].name }));
    const more = `${Math.abs(you.score).toFixed(2)} ${you.score > 0 ? "more" : "fewer"} than`;
    const beyond = `${you.score ? more : "as many as"} uniform sampling for the same FLOPs`;
    if (!isOver()) return `${does} So far you solve ${you.solved} of ${selected.moves.length}, ${beyond}.`;
    const ahead = rivals.filter(({ score }) => score > you.score).toSorted((a, b) => b.score - a.score);
    const after = ahead.length ? `, after ${listed(ahead.map(({ name, score }) => `${name} (${signed(score)})`))}` : "";
    return `${does} Round ${selected.round + 1} is over: you solve ${you.solved} of ${size} for ${you.flops}, ${beyond}. ` +
      `With a score of ${signed(you.score)} you come ${PLACES[ahead.length]} of ${players.length}${after}.`;
  }

  // What is shown

  function words() {
    const until = selected.moves.length;
    if (!until) return `Round ${selected.round + 1}: problem 1 of ${size} is here. ${inWords(budget)} to spend.`;
    const problem = problems[rounds[selected.round].problems[until - 1]];
    const option = last(selected.moves);
    const [N, T] = options[option];
    const came = problem.came[option];
    const how = N ? `From ${N} × ${1 + T} the verifier chose ${came}` : `You kept ${came}`;
    const truth = came === problem.answer ? "right" : `wrong, the answer is ${problem.answer}`;
    const often = N ? ` In ${problem.wins[option]} of ${draws} draws it would be right.` : "";
    return ranking(`Problem ${until}: ${how}: ${truth}.${often}`);
  }

  function update() {
    wanted = null;
    showAsked();
    chosenRound.value = selected.round;
    card.hidden = spend.hidden = isOver();
    next.hidden = !isOver();
    if (!isOver()) showProblem();
    showBoard();
  }

  function showProblem() {
    const problem = problems[rounds[selected.round].problems[selected.moves.length]];
    where.textContent = `Problem ${selected.moves.length + 1} of ${size}. ${inWords(left())} left.`;
    purse.style.setProperty("--ttc-share", `${(100 * left()) / budget}%`);
    question.textContent = problem.question;
    attempt.replaceChildren(`First attempt: ${problem.first}. The verifier's score: ${problem.score} `,
      element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(problem.score)}%` }));
    samples.step = counts.findLastIndex((N) => N <= Math.min(budget / size, left())); // at first what uniform sampling spends
    revisions.step = 0;
    showMove();
  }

  /** The button says what it does, the line above it what is left then. */
  function showMove() {
    const [N, T] = chosen();
    const problem = problems[rounds[selected.round].problems[selected.moves.length]];
    const rest = size - selected.moves.length - 1;
    const paid = generations(N, T);
    const draws = T ? `${N} × ${1 + T} attempts` : N === 1 ? "1 sample" : `${N} samples`;
    const sum = N ? `${T ? `${N} × ${1 + T} = ` : ""}${inWords(paid)}` : "Nothing spent";
    const after = `leaves ${left() - paid} for ${rest === 1 ? "1 more problem" : `${rest} more problems`}`;
    revisions.disabled = !N;
    spend.setAttribute("aria-disabled", String(trouble() !== null));
    spend.textContent = trouble() ?? (N ? `Draw ${draws}` : `Keep ${problem.first}`);
    cost.textContent = `${sum}; ${paid > left() ? `${left()} left` : after}.`;
  }

  /** A row a player, a column a problem: what was spent on it, the darker the more often right. */
  function showBoard() {
    const until = selected.moves.length;
    const places = [...Array(size).keys()];
    const head = places.map((i) => element("th", { scope: "col", "aria-current": i === until }, String(i + 1)));
    const rows = standings().map(({ moves, wins, solved, score }, player) => {
      const tiles = places.map((i) => (i < until ? tile(moves[i], wins[i]) : element("td")));
      return element("tr", { class: `ttc-${players[player].key}` }, element("th", { scope: "row" }, players[player].name), ...tiles,
        element("td", { class: "ttc-sum ttc-solved" }, tenths(last(solved))), element("td", { class: "ttc-sum" }, signed(last(score))));
    });
    board.replaceChildren(element("table", { class: "ttc-board" },
      element("caption", {}, "Generations spent on each problem; the fuller the tile, the more of the draws are right. " +
        "Score: solved beyond uniform sampling for the same FLOPs"),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Player"), ...head,
        element("th", { scope: "col", class: "ttc-solved" }, "Solved"), element("th", { scope: "col" }, "Score"))),
      element("tbody", {}, ...rows)));
  }

  /**
   * @param {number} option
   * @param {number} wins
   */
  function tile(option, wins) {
    return element("td", { class: "ttc-tile", style: `--ttc-share: ${(100 * wins) / draws}%`, title: `${wins} of ${draws} right` },
      element("span", { class: "ttc-unseen" }, `${wins} of ${draws} right for `), String(price(option)));
  }

  /** @returns {[Table]} */
  function numbers() {
    const until = selected.moves.length;
    const rows = standings().map(({ solved, generations: spent, flops, score }, player) => [
      players[player].name, signed(last(score)), `${tenths(last(solved))} of ${until}`, String(last(spent)), inFlops(last(flops)),
      players[player].does,
    ]);
    const columns = ["Player", "Score", "Solved", "Generations", "FLOPs", "What it does"];
    return [{ caption: `Round ${selected.round + 1}, after ${until} of ${size} problems`, columns, rows }];
  }

  /**
   * The race: everybody's path, problems solved over FLOPs, and the curve of uniform sampling that it is measured by.
   *
   * @param {number} width
   */
  function paint(width) {
    const { rivals, uniform } = rounds[selected.round];
    const until = selected.moves.length;
    const all = standings();
    const height = Math.round(Math.min(300, Math.max(220, width * 0.45)));
    const edge = { top: 26, right: 74, bottom: 42, left: 28 };
    const most = Math.max(...rivals.map(({ flops }) => last(flops)), last(all[0].flops)) / 1e6;
    const x = scaleLinear([0, most], [edge.left, width - edge.right]);
    const y = scaleLinear([0, size], [height - edge.bottom, edge.top]);
    const path = (/** @type {[number, number][]} */ points) => line()(points.map(([flops, wins]) => [x(flops / 1e6), y(wins / draws)]));
    svg.attr("width", width).attr("height", height);
    yAxis.attr("transform", `translate(${edge.left},0)`)
      .call(axisLeft(y).ticks(4).tickSize(edge.left + edge.right - width).tickPadding(7));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(Math.min(6, width / 80)).tickSize(4));
    yText.attr("x", 2).attr("y", 13).text("solved so far");
    xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text("GFLOPs spent so far");

    const curve = until ? uniform[until - 1].filter(([flops]) => flops <= most * 1e6) : [];
    mark(layer, "path", "ttc-line ttc-par").attr("d", path(curve));
    const order = [...all.keys()].toSorted((a, b) => last(all[b].solved) - last(all[a].solved));
    const heights = spread(order.map((player) => y(last(all[player].solved) / draws)), 15, edge.top, height - edge.bottom);
    for (const player of [...players.keys()].toReversed()) { // the player's own path lies above the others
      const { solved, flops } = all[player];
      const name = `ttc-${players[player].key}`;
      mark(layer, "path", `ttc-line ${name}`).attr("d", path(solved.map((wins, i) => [flops[i], wins])));
      drawDot({ layer, x, y }, name, last(flops) / 1e6, last(solved) / draws, player ? 4 : 6);
      mark(layer, "text", `ttc-name ${name}`).attr("x", width - edge.right + 8).attr("dy", "0.32em")
        .attr("y", heights[order.indexOf(player)]).text(until ? players[player].name : "");
    }
    describe(`Chart. ${words()}`);
  }

  /** @param {number} wins */
  function tenths(wins) { return (wins / draws).toFixed(1); }

  return view.mount({
    title: "The arena",
    body: [
      element("style", {}, css),
      element("p", {}, `${size} problems arrive one by one, and you have ${budget} generations for all of them. Each comes with a first attempt ` +
        "and the verifier's score; this look is always charged. Keep the attempt's answer, or buy new samples and revisions, and the verifier " +
        "will choose among those."),
      chosenRound.node, card, buttons, ask, view.sentence.node, board, chart.node, view.table.node,
    ],
    about: "Shown: after each move, the answer of one recorded draw; dashed in the chart, uniform sampling at all its budgets. The score counts " +
      `the share of ${draws} such draws that are right, so that luck plays no part. It charges every FLOP, including the look. If you check a ` +
      "draw by hand you are an oracle, which no policy is. The problems of a round are test problems without the easiest and the hardest fifth, " +
      "drawn so that their first attempts are right as often as one sample is on average. Rounds in which a needless look costs most come first. In the book, the page's address holds your moves: send it to somebody.",
    update, words, numbers, picture: chart,
  });
}

/**
 * The price of N chains of T revisions.
 *
 * @param {number} N
 * @param {number} T
 */
function generations(N, T) { return N * (1 + T); }

/**
 * The wins of uniform sampling for these FLOPs: between two of its budgets a mix of both, beyond the last no more than that.
 *
 * @param {Curve} curve
 * @param {number} flops
 */
function mixed(curve, flops) {
  const above = curve.findIndex(([cost]) => cost > flops);
  if (above < 0) return last(curve)[1];
  const [[fewer, low], [more, high]] = curve.slice(above - 1, above + 1);
  return low + ((high - low) * (flops - fewer)) / (more - fewer);
}

/** @param {number[]} values */
function total(values) { return values.reduce((sum, value) => sum + value, 0); }

/**
 * The sums of the first values, of none at first.
 *
 * @param {number[]} values
 */
function totals(values) { return [0, ...values.map((_, i) => total(values.slice(0, i + 1)))]; }

/**
 * @template T
 * @param {T[]} values
 */
function last(values) { return values[values.length - 1]; }

/** @param {number} score */
function signed(score) { return `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.abs(score).toFixed(2)}`; }

/** @param {number} thousands */
function inFlops(thousands) {
  return thousands >= 1e6 ? `${(thousands / 1e6).toFixed(2)} GFLOPs` : `${Math.round(thousands / 1e3)} MFLOPs`;
}

/** @param {number} count */
function inWords(count) { return count === 1 ? "1 generation" : `${count} generations`; }

/** @param {string[]} names */
function listed(names) { return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last(names)}` : names[0]; }
