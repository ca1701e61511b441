// The arena: a game. Problems arrive one by one, the player spends one budget on all of them; policies play them too.
// On recorded problems, what comes of a move, and all that the policies did, is looked up; the player's own totals and score are
// added up here. On live problems (live_arena.js) the models run in the page.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { straight } from "./curves.js";
import css from "./arena.css";
import { generations, last, standing, total } from "./arena_rules.js";
import { canvas, drawDot, mark, spread } from "./chart.js";
import { button, choices, element, menu, slider } from "./controls.js";
import { LiveRound } from "./live_arena.js";
import { LiveModels } from "./live_models.js";
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
 * @typedef {import("./arena_rules.js").Curve} Curve
 * @typedef {import("./arena_rules.js").Standing} Standing
 * @typedef {{ problems: number[], rivals: Rival[], uniform: Curve[] }} Round
 * @typedef {{ key: string, name: string, does: string }} Policy
 * @typedef {{ budget: number, draws: number, options: [number, number][], policies: Policy[], problems: Problem[], rounds: Round[],
 *   live: import("./live_arena.js").Live & { models: import("./live_models.js").Description } }} Data
 */

const PLACES = ["first", "second", "third", "fourth", "fifth"];
const SEEDS = 1e6; // of live rounds

/** @param {import("./view.js").Context} context */
export function arena(context) {
  /** @type {Data} */
  const { budget, options, problems, rounds, live, ...recorded } = context.model.get("data");
  const counts = [...new Set(options.map(([N]) => N))];
  const lengths = [...new Set(options.map(([, T]) => T))];
  const size = rounds[0].problems.length;
  /** @type {{ round: number, live: number, moves: number[] }} the moves are options, one a problem; live is a seed, -1 on recorded problems */
  const first = { round: 0, live: -1, moves: [] };
  const view = new View(context, first, {
    round: oneOf("round", rounds.map((_, index) => index + 1)),
    live: { key: "live", read: (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined), write: (seed) => (seed < 0 ? undefined : seed) },
    moves: { key: "moves", read, write: (moves) => moves.map((option) => options[option].join("x")).join(".") },
  });
  const { selected } = view;
  /** @type {{ round: Place, control: { focus(): void } } | null} the round that waits for the player to give up this one */
  let wanted = null;
  /** @typedef {{ round: number, live: number }} Place of a round */
  let shown = ""; // the problem whose move the sliders are set for

  const samples = slider("New samples", counts.map(String), { input: showMove });
  const revisions = slider("Revisions of each", lengths.map((T) => (T ? String(T) : "none")), { input: showMove });
  const kind = choices("Play on", ["Recorded problems", "Live problems"], (index) => leave(index ? anew() : { round: selected.round, live: -1 }, kind));
  const chosenRound = menu("Round", "Round", () => leave({ round: chosenRound.value, live: -1 }, chosenRound));
  chosenRound.entries = rounds.map((_, index) => [index, `Round ${index + 1}`]);
  const spend = button("", () => {
    if (isBusy() || trouble() !== null) return;
    view.change({ moves: [...selected.moves, draft()] });
    if (isOver()) (isLive() ? again : next).focus();
  });
  const next = button("Next round", () => {
    begin({ round: (selected.round + 1) % rounds.length, live: -1 });
    samples.focus();
  });
  const again = button("", () => leave(isLive() ? anew() : { round: selected.round, live: -1 }, again), "ttc-second");
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
    if (!rounds[Number(state.round) - 1] && state.live === undefined) return undefined;
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

  /** @param {Place} round */
  function begin(round) { view.change({ ...round, moves: [] }); }

  /** A live round that nobody has played. @returns {Place} */
  function anew() { return { round: selected.round, live: Math.floor(Math.random() * SEEDS) }; }

  /**
   * Begin a round, unless that would throw a game away: then ask first, and go back to `control` afterwards.
   *
   * @param {Place} round
   * @param {{ focus(): void }} control
   */
  function leave(round, control) {
    if (!selected.moves.length || isOver()) {
      begin(round);
      return;
    }
    wanted = { round, control };
    chosenRound.value = selected.round;
    kind.chosen = Number(isLive());
    doubt.textContent = `Give up ${isLive() ? "the live round" : `round ${selected.round + 1}`} after ${selected.moves.length} of ${size} problems? Its moves will be lost.`;
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

  // Live problems

  /** @type {LiveRound} */
  let round;
  /** @type {LiveModels | undefined} */
  let models;
  let isLoading = false;
  let failure = "";

  function isLive() { return selected.live >= 0; }

  /** The round that is selected; the models are loaded with the first. */
  function playLive() {
    if (round?.seed !== selected.live) {
      models?.forget();
      let seen = "";
      const current = new LiveRound(live, options, { size, budget, seed: selected.live }, () => {
        const now = JSON.stringify([round.problems.length, done(), isBusy()]);
        if (round !== current || now === seen) return; // a result that only later moves need
        seen = now;
        view.select({});
      });
      round = current;
    }
    if (models) round.ask(models, selected.moves);
    else if (!isLoading && !failure) load();
  }

  async function load() {
    isLoading = true;
    const weights = context.model.get("weights");
    try {
      const files = typeof weights === "function" ? await weights() : weights;
      if (!files?.policy) throw new Error("The models are not here");
      models = new LiveModels(live.models, files, fail);
    } catch (error) {
      failure = String(error);
    }
    isLoading = false;
    view.select({});
  }

  /** @param {string} message */
  function fail(message) {
    failure = message;
    view.select({});
  }

  /** The moves whose results are known. */
  function done() { return isLive() ? round.known(selected.moves) : selected.moves.length; }

  function isBusy() { return isLive() && (done() < selected.moves.length || (!isOver() && !round.problems[selected.moves.length]?.look)); }

  // Standings

  function draws() { return isLive() ? live.draws : recorded.draws; }

  function players() { return [{ key: "you", name: "You", does: "every look paid" }, ...(isLive() ? live : recorded).policies]; }

  /** @param {number} place of a recorded problem in its round */
  function problemAt(place) { return problems[rounds[selected.round].problems[place]]; }

  /** @returns {{ standings: Standing[], curves: Curve[] }} everybody's standing after `done` problems, the player's first */
  function score() {
    const moves = selected.moves.slice(0, done());
    if (isLive()) return round.standings(moves);
    const grown = (/** @type {number[]} */ totals) => [0, ...totals.slice(0, moves.length)];
    const { rivals, uniform } = rounds[selected.round];
    const own = standing({
      moves, prices: moves.map(price), wins: moves.map((option, i) => problemAt(i).wins[option]),
      flops: moves.map((option, i) => problemAt(i).look + problemAt(i).flops[option]), // every look is paid
    }, uniform, recorded.draws);
    return {
      curves: uniform,
      standings: [own, ...rivals.map(({ moves: options, wins, solved, generations: spent, flops, score: scores }) => ({
        moves: options, wins, solved: grown(solved), generations: grown(spent), flops: grown(flops), score: grown(scores),
      }))],
    };
  }

  /** @param {string} does what the player did with the last problem, and what came of it */
  function ranking(does) {
    const [you, ...rivals] = score().standings.map(({ solved, flops, score: scores }, player) =>
      ({ solved: tenths(last(solved)), flops: inFlops(last(flops)), score: last(scores), name: players()[player].name }));
    const more = `${Math.abs(you.score).toFixed(2)} ${you.score > 0 ? "more" : "fewer"} than`;
    const beyond = `${you.score ? more : "as many as"} uniform sampling for the same FLOPs`;
    if (done() < size) return `${does} So far you solve ${you.solved} of ${done()}, ${beyond}.`;
    const ahead = rivals.filter(({ score: theirs }) => theirs > you.score).toSorted((a, b) => b.score - a.score);
    const after = ahead.length ? `, after ${listed(ahead.map(({ name, score: theirs }) => `${name} (${signed(theirs)})`))}` : "";
    const place = ahead.length === rivals.length ? "last" : PLACES[ahead.length];
    return `${does} ${roundName()} is over: you solve ${you.solved} of ${size} for ${you.flops}, ${beyond}. ` +
      `With a score of ${signed(you.score)} you come ${place} of ${players().length}${after}.`;
  }

  function roundName() { return isLive() ? `Live round ${selected.live}` : `Round ${selected.round + 1}`; }

  // What is shown

  function words() {
    const until = done();
    if (failure && isLive()) return `The live round stopped: ${failure}.`;
    if (isLive() && !models) return "The models are loading.";
    if (until < selected.moves.length - 1) return `The model plays these moves again: ${until} of ${selected.moves.length} are done.`;
    if (until < selected.moves.length) return `Problem ${until + 1}: the model is writing.`;
    if (!until) return `${roundName()}: problem 1 of ${size} is here. ${inWords(budget)} to spend.`;
    const option = last(selected.moves);
    const { answer, came, wins } = result(option, until - 1);
    const [N, T] = options[option];
    const how = N ? `From ${N} × ${1 + T} the verifier chose ${came}` : `You kept ${came}`;
    const truth = came === answer ? "right" : `wrong, the answer is ${answer}`;
    const often = N ? ` In ${wins} of ${draws()} draws it would be right.` : "";
    return ranking(`Problem ${until}: ${how}: ${truth}.${often}`);
  }

  /**
   * What comes of an option on a problem.
   *
   * @param {number} option
   * @param {number} place
   */
  function result(option, place) {
    if (isLive()) return { answer: round.problems[place].answer, came: round.came(option, place), wins: round.after(option, place).wins };
    const { answer, came, wins } = problemAt(place);
    return { answer, came: came[option], wins: wins[option] };
  }

  /** The question, the first attempt and its score. */
  function asked() {
    const place = selected.moves.length;
    if (!isLive()) return problemAt(place);
    const { question, look } = round.problems[place] ?? { question: "" };
    return { question, first: look ? (look.answer ?? "no answer") : "", score: look?.score.toFixed(2) ?? "0" };
  }

  function update() {
    if (isLive()) playLive();
    const now = [selected.live, selected.round, ...selected.moves].join();
    const isNew = now !== shown;
    shown = now;
    if (isNew) wanted = null;
    showAsked();
    kind.chosen = Number(isLive());
    chosenRound.value = selected.round;
    chosenRound.node.hidden = isLive();
    note.hidden = !isLive();
    rules.textContent = RULES[Number(isLive())];
    again.textContent = isLive() ? "New problems" : "Start again";
    card.hidden = spend.hidden = isOver();
    next.hidden = !isOver() || isLive();
    view.form.setAttribute("aria-busy", String(isBusy()));
    if (!isOver()) showProblem(isNew);
    showBoard();
  }

  /** @param {boolean} isNew whether the sliders begin anew */
  function showProblem(isNew) {
    const problem = asked();
    where.textContent = `Problem ${selected.moves.length + 1} of ${size}. ${inWords(left())} left.`;
    purse.style.setProperty("--ttc-share", `${(100 * left()) / budget}%`);
    question.textContent = problem.question;
    attempt.replaceChildren(...(problem.first ? [`First attempt: ${problem.first}. The verifier's score: ${problem.score} `,
      element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(problem.score)}%` })] : ["First attempt: the model is writing it."]));
    if (isNew) {
      samples.step = counts.findLastIndex((N) => N <= Math.min(budget / size, left())); // at first what uniform sampling spends
      revisions.step = 0;
    }
    showMove();
  }

  /** The button says what it does, the line above it what is left then. */
  function showMove() {
    const [N, T] = chosen();
    const rest = size - selected.moves.length - 1;
    const paid = generations(N, T);
    const attempts = T ? `${N} × ${1 + T} attempts` : N === 1 ? "1 sample" : `${N} samples`;
    const sum = N ? `${T ? `${N} × ${1 + T} = ` : ""}${inWords(paid)}` : "Nothing spent";
    const after = `leaves ${left() - paid} for ${rest === 1 ? "1 more problem" : `${rest} more problems`}`;
    revisions.disabled = !N;
    spend.setAttribute("aria-disabled", String(isBusy() || trouble() !== null));
    spend.textContent = trouble() ?? (N ? `Draw ${attempts}` : `Keep ${asked().first || "the first attempt"}`);
    cost.textContent = `${sum}; ${paid > left() ? `${left()} left` : after}.`;
  }

  /** A row a player, a column a problem: what was spent on it, the darker the more often right. */
  function showBoard() {
    const until = done();
    const places = [...Array(size).keys()];
    const head = places.map((i) => element("th", { scope: "col", "aria-current": i === until }, String(i + 1)));
    const rows = score().standings.map(({ moves, wins, solved, score: scores }, player) => {
      const tiles = places.map((i) => (i < until ? tile(moves[i], wins[i]) : element("td")));
      return element("tr", { class: `ttc-${players()[player].key}` }, element("th", { scope: "row" }, players()[player].name), ...tiles,
        element("td", { class: "ttc-sum ttc-solved" }, tenths(last(solved))), element("td", { class: "ttc-sum" }, signed(last(scores))));
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
    const right = `${wins} of ${draws()} right`;
    return element("td", { class: "ttc-tile", style: `--ttc-share: ${(100 * wins) / draws()}%`, title: right },
      element("span", { class: "ttc-unseen" }, `${right} for `), String(price(option)));
  }

  /** @returns {[Table]} */
  function numbers() {
    const until = done();
    const rows = score().standings.map(({ solved, generations: spent, flops, score: scores }, player) => [
      players()[player].name, signed(last(scores)), `${tenths(last(solved))} of ${until}`, String(last(spent)), inFlops(last(flops)),
      players()[player].does,
    ]);
    const columns = ["Player", "Score", "Solved", "Generations", "FLOPs", "What it does"];
    return [{ caption: `${roundName()}, after ${until} of ${size} problems`, columns, rows }];
  }

  /**
   * The race: everybody's path, problems solved over FLOPs, and the curve of uniform sampling that it is measured by.
   *
   * @param {number} width
   */
  function paint(width) {
    const { standings: all, curves } = score();
    const until = done();
    const rivals = isLive() ? all : rounds[selected.round].rivals; // recorded ones reach as far as the round will
    const height = Math.round(Math.min(300, Math.max(220, width * 0.45)));
    const edge = { top: 26, right: 74, bottom: 42, left: 28 };
    const thousands = Math.max(...rivals.map(({ flops }) => last(flops)), last(all[0].flops)) || 1e5;
    const unit = thousands >= 1e6 ? 1e6 : 1e3;
    const most = thousands / unit;
    const x = scaleLinear([0, most], [edge.left, width - edge.right]);
    const y = scaleLinear([0, size], [height - edge.bottom, edge.top]);
    const path = (/** @type {[number, number][]} */ points) => straight(points.map(([flops, wins]) => [x(flops / unit), y(wins / draws())]));
    svg.attr("width", width).attr("height", height);
    yAxis.attr("transform", `translate(${edge.left},0)`)
      .call(axisLeft(y).ticks(4).tickSize(edge.left + edge.right - width).tickPadding(7));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(Math.min(6, width / 80)).tickSize(4));
    yText.attr("x", 2).attr("y", 13).text("solved so far");
    xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text(`${unit === 1e6 ? "GFLOPs" : "MFLOPs"} spent so far`);

    const curve = until ? curves[until - 1].filter(([flops]) => flops <= thousands) : [];
    mark(layer, "path", "ttc-line ttc-par").attr("d", path(curve));
    const order = [...all.keys()].toSorted((a, b) => last(all[b].solved) - last(all[a].solved));
    const heights = spread(order.map((player) => y(last(all[player].solved) / draws())), 15, edge.top, height - edge.bottom);
    for (const player of [...all.keys()].toReversed()) { // the player's own path lies above the others
      const { solved, flops } = all[player];
      const name = `ttc-${players()[player].key}`;
      mark(layer, "path", `ttc-line ${name}`).attr("d", path(solved.map((wins, i) => [flops[i], wins])));
      drawDot({ layer, x, y }, name, last(flops) / unit, last(solved) / draws(), player ? 4 : 6);
      mark(layer, "text", `ttc-name ${name}`).attr("x", width - edge.right + 8).attr("dy", "0.32em")
        .attr("y", heights[order.indexOf(player)]).text(until ? players()[player].name : "");
    }
    describe(`Chart. ${words()}`);
  }

  /** @param {number} wins */
  function tenths(wins) { return (wins / draws()).toFixed(1); }

  const note = element("p", { class: "ttc-note" }, "These problems are new: they are drawn now, as the test problems were. The small model writes " +
    "in your browser, and the PRM scores what it writes. A revision writes the whole solution again. Two policies play along. " +
    live.policies.map(({ name, does }) => `${name}: ${does}.`).join(" "));
  const rules = element("p", { class: "ttc-rules" });
  const RULES = [
    `Recorded problems: you see the answer of one recorded draw. The score counts the share of ${recorded.draws} such draws that are right, so ` +
      "that luck plays no part. The problems are test problems without the easiest and the hardest fifth. In each round the first attempts are " +
      "right about as often as one sample is. Rounds in which a needless look costs most come first.",
    `Live problems: each move is run ${live.draws} times, and you see the answer of the first run. The score counts the share of the runs that ` +
      `are right. Uniform sampling is run as often on the same problems, with ${listed(live.budgets.map(String))} samples. A first attempt may be ` +
      "lucky.",
  ];
  const stop = view.mount({
    title: "The arena",
    body: [
      element("style", {}, css),
      element("p", {}, `${size} problems arrive one by one, and you have ${budget} generations for all of them. Each comes with a first attempt ` +
        "and the verifier's score; this look is always charged. Keep the attempt's answer, or buy new samples and revisions, and the verifier " +
        "will choose among those."),
      kind.node, note, chosenRound.node, card, buttons, ask, view.sentence.node, board, chart.node, view.table.node, rules,
    ],
    about: "Shown: everybody's moves and score. The score charges every FLOP, including the look. Dashed in the chart: uniform sampling at all its budgets. If you check an answer " +
      "by hand you are an oracle, which no policy is. In the book, the page's address holds your moves: send it to somebody.",
    update, words, numbers, picture: chart,
  });
  return () => {
    stop();
    models?.stop();
  };
}

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
