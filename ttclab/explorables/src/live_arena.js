// A round of the arena on new problems: the models run in the page; they write and score what is shown.
import { generations, standing, totals } from "./arena_rules.js";

/**
 * @typedef {import("./arena_rules.js").Curve} Curve
 * @typedef {import("./arena_rules.js").Standing} Standing
 * @typedef {import("./live_moves.js").Drawn} Drawn
 * @typedef {import("./live_moves.js").Look} Look
 *
 * @typedef {object} Live How new problems are drawn and played.
 * @property {import("./problems.js").Rule} rule
 * @property {number} draws of each move
 * @property {number[]} budgets of uniform sampling
 * @property {number} share samples a problem of the uniform player
 * @property {{ above: number, N: number }} keep the other player draws N samples where the difficulty is above this, and else keeps
 * @property {{ key: string, name: string, does: string }[]} policies the uniform player and the other one
 *
 * @typedef {import("./arithmetic.js").Problem & { look?: Look, drawn: (Drawn | undefined)[] }} LiveProblem what came of each option
 */

/** Asks the models for what the players need, and keeps the score. FLOPs are in thousands. */
export class LiveRound {
  /** @type {Set<string>} */
  #asked = new Set();
  /** @type {LiveProblem[]} none until the worker has drawn them */
  problems = [];

  /**
   * @param {Live} live
   * @param {[number, number][]} options
   * @param {{ size: number, budget: number, seed: number }} round
   * @param {() => void} changed
   */
  constructor(live, options, { size, budget, seed }, changed) {
    this.live = live;
    this.options = options;
    this.size = size;
    this.budget = budget;
    this.seed = seed;
    this.changed = changed;
    this.draws = live.draws;
    this.uniform = live.budgets.map((N) => this.option(N));
  }

  /** @param {number} N */
  option(N) { return this.options.findIndex(([n, T]) => n === N && !T); }

  /**
   * Asks for all that these moves and the next problem need.
   *
   * @param {import("./live_models.js").LiveModels} models
   * @param {number[]} moves
   */
  ask(models, moves) {
    if (!this.problems.length) {
      this.#once("problems", () => models.run("problems", { rule: this.live.rule, count: this.size, seed: this.seed }, (problems) => {
        this.problems = problems.map((problem) => ({ ...problem, drawn: [] }));
        this.changed();
      }));
      return;
    }
    for (const [i, problem] of this.problems.slice(0, moves.length + 1).entries()) {
      const { id } = problem;
      this.#once(`${i}`, () => models.run("look", { problem: id }, (look) => {
        problem.look = look;
        this.changed();
      }));
      const wanted = moves[i] ? [moves[i], ...this.uniform] : this.uniform;
      for (const option of wanted) {
        const [N, T] = this.options[option];
        this.#once(`${i} ${option}`, () => models.run("draws", { problem: id, N, T, draws: this.draws }, (drawn) => {
          problem.drawn[option] = drawn;
          this.changed();
        }));
      }
    }
  }

  /**
   * @param {string} name
   * @param {() => void} run
   */
  #once(name, run) {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    run();
  }

  /**
   * The number of moves, from the first on, of which everything is known.
   *
   * @param {number[]} moves
   */
  known(moves) {
    const open = moves.findIndex((option, i) => {
      const { look, drawn } = this.problems[i] ?? {};
      return !look || [option, ...this.uniform].some((each) => each && !drawn?.[each]);
    });
    return open < 0 ? moves.length : open;
  }

  /**
   * Wins and FLOPs of an option after the look.
   *
   * @param {number} option
   * @param {number} i
   */
  after(option, i) {
    const { look, drawn } = this.problems[i];
    const { right, flops } = /** @type {Look} */ (look);
    if (!option) return { wins: right ? this.draws : 0, flops: flops / 1000 };
    const { wins, flops: spent, saved } = /** @type {Drawn} */ (drawn[option]);
    return { wins, flops: (flops + spent - saved) / 1000 };
  }

  /**
   * The answer that comes of an option.
   *
   * @param {number} option
   * @param {number} i
   */
  came(option, i) {
    const { look, drawn } = this.problems[i];
    return (option ? drawn[option] : look)?.answer ?? "no answer";
  }

  /**
   * Everybody's standing after as many problems, the player's first.
   *
   * @param {number[]} moves
   * @returns {Standing[]}
   */
  standings(moves) {
    const asUniform = this.uniform.map((option) => this.problems.slice(0, moves.length).map(({ drawn }) => {
      const { wins, flops } = /** @type {Drawn} */ (drawn[option]);
      return { wins, flops: flops / 1000 };
    }));
    const sums = asUniform.map((played) => ({ flops: totals(played.map(({ flops }) => flops)), wins: totals(played.map(({ wins }) => wins)) }));
    const curves = moves.map((_, i) => /** @type {Curve} */ ([[0, 0], ...sums.map(({ flops, wins }) => [flops[i + 1], wins[i + 1]])]));
    const shares = this.live.budgets.indexOf(this.live.share);
    const keeps = this.keeping(moves.length);
    const played = [
      { moves, after: moves.map((option, i) => this.after(option, i)) },
      { moves: moves.map(() => this.uniform[shares]), after: asUniform[shares] },
      { moves: keeps, after: keeps.map((option, i) => this.after(option, i)) },
    ];
    return played.map(({ moves: options, after }) => standing({
      moves: options, prices: options.map((option) => generations(...this.options[option])),
      wins: after.map(({ wins }) => wins), flops: after.map(({ flops }) => flops),
    }, curves, this.draws));
  }

  /**
   * The moves of the player that keeps a first attempt or draws anew.
   *
   * @param {number} until
   */
  keeping(until) {
    const { above, N } = this.live.keep;
    let left = this.budget;
    return this.problems.slice(0, until).map(({ look }) => {
      const draws = 1 - /** @type {Look} */ (look).score > above && N <= left;
      left -= draws ? N : 0;
      return draws ? this.option(N) : 0;
    });
  }
}

