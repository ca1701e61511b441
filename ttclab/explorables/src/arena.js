// The arena: a game. Problems arrive one by one, the player spends one budget on all of them; policies play them too.
// On recorded problems, the results of moves and everything about the policies are looked up; the player's own totals and score are
// added up here. On live problems (live_arena.js) the models run in the page.
import css from "./arena.css";
import { board, hundredths, race, sameFlops, signed } from "./arena_board.js";
import { generations, last, standing, total } from "./arena_rules.js";
import { button, capital, choices, element, menu, slider } from "./controls.js";
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
    if (trouble() === null) move(draft());
  });
  const keep = button("Keep the attempt", () => {
    move(options.findIndex(([N]) => !N));
    if (keep.hidden && !isOver()) spend.focus();
  }, "ttc-second");
  const next = button("Next round", () => {
    begin({ round: (selected.round + 1) % rounds.length, live: -1 });
    samples.focus();
  });
  const again = button("", () => leave(isLive() ? anew() : { round: selected.round, live: -1 }, again), "ttc-second");
  const stay = button("Play on", () => answer(false));
  const give = button("Give up", () => answer(true), "ttc-second");
  const buttons = element("div", { class: "ttc-buttons" }, spend, keep, next, again);
  const doubt = element("p");
  const ask = element("div", { class: "ttc-ask", role: "group", "aria-label": "Give up the round?", hidden: "" },
    doubt, element("div", { class: "ttc-buttons" }, stay, give));
  ask.addEventListener("keydown", ({ key }) => { if (key === "Escape") answer(false); });
  const [where, question, attempt, cost] = ["ttc-where", "ttc-asked", "ttc-first", "ttc-cost"].map((name) => element("p", { class: name }));
  const purse = element("div", { class: "ttc-purse", "aria-hidden": "true" });
  const card = element("div", { class: "ttc-card" }, where, purse, question, attempt, samples.node, revisions.node, cost);
  const table = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The board" });
  const chart = race(() => ({ players: players(), words: words() }));

  // The rules

  function isOver() { return selected.moves.length === size; }

  /** @param {number} option */
  function move(option) {
    if (isBusy()) return;
    view.change({ moves: [...selected.moves, option] });
    if (isOver()) (isLive() ? again : next).focus();
  }

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
      if (!files?.policy) throw new Error("the models could not be loaded");
      models = new LiveModels(live.models, files, fail);
    } catch (error) {
      failure = /** @type {Error} */ (error).message;
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

  /** Everybody's standing after the problems played, the player's first. @returns {import("./arena_board.js").Player[]} */
  function players() {
    const all = [{ key: "you", name: "you", does: "you look at each problem, and then decide" }, ...(isLive() ? live : recorded).policies];
    return standings().map((each, i) => ({ ...each, ...all[i] }));
  }

  /** @param {number} place of a recorded problem in its round */
  function problemAt(place) { return problems[rounds[selected.round].problems[place]]; }

  /** @returns {Standing[]} */
  function standings() {
    const moves = selected.moves.slice(0, done());
    if (isLive()) return round.standings(moves);
    const grown = (/** @type {number[]} */ totals) => [0, ...totals.slice(0, moves.length)];
    const { rivals, uniform } = rounds[selected.round];
    const own = standing({
      moves, prices: moves.map(price), wins: moves.map((option, i) => problemAt(i).wins[option]),
      flops: moves.map((option, i) => problemAt(i).look + problemAt(i).flops[option]), // every look is paid
    }, uniform, recorded.draws);
    return [own, ...rivals.map(({ moves: options, wins, solved, generations: spent, flops, score }) => ({
      moves: options, wins, solved: grown(solved), generations: grown(spent), flops: grown(flops), score: grown(score),
    }))];
  }

  /** @param {string} does what the player did with the last problem, and what came of it */
  function ranking(does) {
    const [you, ...rivals] = players().map(({ name, solved, flops, score }) =>
      ({ name, solved: last(solved) / draws(), flops: inFlops(last(flops)), score: last(score) }));
    const solves = `you solve ${hundredths(you.solved)} of ${done()}`;
    const same = `Uniform sampling for the same FLOPs solves ${sameFlops(you.solved, you.score)}`;
    if (done() < size) return `${does} So far ${solves}. ${same}, so your score is ${signed(you.score)}.`;
    const ahead = rivals.filter(({ score: theirs }) => theirs > you.score).toSorted((a, b) => b.score - a.score);
    const after = ahead.length ? `, after ${listed(ahead.map(({ name, score: theirs }) => `"${name}" (${signed(theirs)})`))}` : "";
    const level = rivals.filter(({ score: theirs }) => theirs === you.score).map(({ name }) => `"${name}"`);
    const tie = level.length ? `. You tie with ${listed(level)}` : "";
    const place = ahead.length === rivals.length ? "last" : PLACES[ahead.length];
    const unused = left() ? ` You left ${inWords(left())} unused.` : "";
    return `${does} ${roundName()} is over: ${solves} for ${you.flops}. ${same}.${unused} ` +
      `With a score of ${signed(you.score)} you come ${place} of ${rivals.length + 1}${after}${tie}.`;
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
    const { answer, first, came, wins, look, flops } = result(option, until - 1);
    const [N, T] = options[option];
    const truth = came === answer ? "which is right" : `which is wrong: the answer is ${answer}`;
    const paid = `${N ? `${inWords(price(option))}, ${inFlops(flops)}` : "nothing"}; the look cost ${inFlops(look)}`;
    const effect = came === first ? "the same answer, so this draw changed nothing"
      : `${first}, ${came === answer ? "so the move turned a wrong answer into a right one" : first === answer ? "so the move turned a right answer into a wrong one" : "which was wrong as well"}`;
    return ranking(N ? `Problem ${until}: you drew ${bought(N, T)}, and the verifier chose ${came}, ${truth}. The look had shown ${effect}. ` +
      `In ${wins} of ${draws()} draws this move is right. It cost ${paid}.`
      : `Problem ${until}: you kept the first attempt, ${came}, ${truth}. The move cost ${paid}.`);
  }

  /**
   * What comes of an option on a problem; FLOPs of the move and of the look.
   *
   * @param {number} option
   * @param {number} place
   */
  function result(option, place) {
    if (isLive()) {
      const { answer, look: seen } = round.problems[place];
      const { wins, flops } = round.after(option, place);
      const look = (seen?.flops ?? 0) / 1000;
      return { answer, first: round.came(0, place), came: round.came(option, place), wins, look, flops: flops - look };
    }
    const { answer, first, came, wins, look, flops } = problemAt(place);
    return { answer, first, came: came[option], wins: wins[option], look, flops: flops[option] };
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
    if (isOver()) keep.hidden = true;
    next.hidden = !isOver() || isLive();
    view.form.setAttribute("aria-busy", String(isBusy()));
    if (!isOver()) showProblem(isNew);
    table.hidden = !done() && !isLive(); // nothing to compare before the first move
    table.replaceChildren(board(players(), size, done(), { draws: draws(), price }));
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
    const sum = N ? `${T ? `${N} × ${1 + T} = ` : ""}${inWords(paid)}` : "Nothing spent";
    const after = `leaves ${left() - paid} for ${rest === 1 ? "1 more problem" : `${rest} more problems`}`;
    revisions.disabled = !N;
    spend.setAttribute("aria-disabled", String(isBusy() || trouble() !== null));
    keep.setAttribute("aria-disabled", String(isBusy()));
    keep.hidden = !N; // then the other button keeps it
    spend.textContent = trouble() ?? (N ? `Draw ${bought(N, T)}` : `Keep ${asked().first || "the first attempt"}`);
    cost.textContent = `${sum}; ${paid > left() ? `${left()} left` : after}.`;
  }

  /** @returns {[Table]} */
  function numbers() {
    const until = done();
    const rows = players().map(({ name, does, solved, generations: spent, flops, score }) => [
      capital(name), signed(last(score)), `${hundredths(last(solved) / draws())} of ${until}`, String(last(spent)), inFlops(last(flops)), capital(does),
    ]);
    const columns = ["Player", "Score", "Solved", "Generations", "FLOPs", "What it does"];
    return [{ caption: `${roundName()}, after ${until} of ${size} problems`, columns, rows }];
  }

  const note = element("p", { class: "ttc-note" }, "These problems are new. The small model writes in your browser, and the PRM scores what it " +
    "writes. A revision writes the whole solution again.");
  const rules = element("p", { class: "ttc-rules" });
  const RULES = [
    `You see one recorded outcome of your move. The score counts the average of ${recorded.draws} outcomes, so luck plays no part.`,
    `Each move is run ${live.draws} times. You see the answer of the first run, and the score counts the share of the runs that are right. ` +
      `Uniform sampling is run as often on the same problems, with ${listed(live.budgets.map(String))} samples.`,
  ];
  const stop = view.mount({
    title: "The arena",
    body: [
      element("style", {}, css),
      element("p", {}, `${size} problems arrive one by one, and you have ${budget} generations for all of them. Each comes with a first attempt ` +
        "and the verifier's score of that attempt. This look is always charged. Keep the attempt's answer, or buy new samples and revisions, " +
        "among which the verifier will choose."),
      kind.node, note, chosenRound.node, card, buttons, ask, view.sentence.node, table, chart.node, view.table.node, rules,
    ],
    about: "Shown: everybody's moves, and everybody's score after each problem. To share your game, send the page's address.",
    update, words, numbers, picture: chart,
  });
  return () => {
    stop();
    models?.stop();
  };
}

/** @param {number} thousands */
function inFlops(thousands) {
  return thousands >= 1e6 ? `${(thousands / 1e6).toFixed(2)} G FLOPs` : `${(thousands / 1e3).toFixed(thousands < 1e4 ? 1 : 0)} M FLOPs`;
}

/**
 * What a move buys.
 *
 * @param {number} N
 * @param {number} T
 */
function bought(N, T) { return T ? `${N} × ${1 + T} attempts` : N === 1 ? "1 sample" : `${N} samples`; }

/** @param {number} count */
function inWords(count) { return count === 1 ? "1 generation" : `${count} generations`; }

/** @param {string[]} names */
function listed(names) { return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last(names)}` : names[0]; }
