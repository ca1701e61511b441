// Verifiers that score steps: a PRM, the oracle and the noisy oracle (ttclab/verifiers).
import { checkSteps } from "./arithmetic.js";
import { rewardFlops } from "./flops.js";
import { RandomStream } from "./random.js";

/**
 * @typedef {import("./policy.js").Solution} Solution
 *
 * @typedef {object} Verifier
 * @property {(solutions: Solution[]) => number[]} score
 * @property {(solutions: Solution[]) => number[][]} scoreSteps for each step: is the solution right up to and including it?
 * @property {(solution: Solution) => boolean} [accepts] whether it accepts every step of the solution, independently of the scores
 *
 * @typedef {object} Known A row that was read, or its prefix up to the end of a step.
 * @property {number[]} right probability of "right so far" at each token
 * @property {import("./reward_model.js").Reading} reading state after the last token
 * @property {number} own number of tokens read in the last pass, after the known prefix
 * @property {{ length: number, reading: import("./reward_model.js").Reading }[]} ends ends of steps among these tokens
 */

/** A process reward model. It reads shared prefixes once, and continues from the ends of steps that it has read before. */
export class Prm {
  /**
   * @param {import("./reward_model.js").RewardModel} model
   * @param {import("./policy.js").Alphabet} alphabet
   * @param {import("./flops.js").Bill} bill
   * @param {boolean} remembers whether to keep prefixes from all earlier calls, as step-level revision needs, or only from the last call
   * @param {Map<string, Known>} [memory] rows that were read before: they are charged, but not computed again
   */
  constructor(model, alphabet, bill, remembers = false, memory = undefined) {
    this.model = model;
    this.alphabet = alphabet;
    this.bill = bill;
    this.remembers = remembers;
    this.memory = memory;
    /** @type {Map<string, Known>} */
    this.known = new Map();
    /** @type {WeakMap<Solution, number[]>} */
    this.scored = new WeakMap();
  }

  /**
   * The step scores of solutions that have been scored.
   *
   * @param {Solution[]} solutions
   */
  told(solutions) { return solutions.map((solution) => /** @type {number[]} */ (this.scored.get(solution))); }

  /** @param {Solution[]} solutions */
  score(solutions) { return this.scoreSteps(solutions).map((steps) => steps[steps.length - 1] ?? 0); }

  /** @param {Solution[]} solutions */
  scoreSteps(solutions) {
    const right = this.read(solutions);
    return solutions.map(({ tokens, steps, finished }, i) => {
      const ends = [...tokens.keys()].filter((place) => tokens[place] === this.model.promptEnd);
      if (ends.length < steps.length) ends.push(tokens.length - 1);
      else if (finished && ends.length) ends[ends.length - 1] = tokens.length - 1; // at the end-of-text token
      const scores = ends.slice(0, steps.length).map((end) => right[i][end]);
      this.scored.set(solutions[i], scores);
      return scores;
    });
  }

  /**
   * Probability of "right so far" at each token of each solution.
   *
   * @param {Solution[]} solutions
   */
  read(solutions) {
    const { model, bill, alphabet } = this;
    const contexts = solutions.map(({ problem }) => alphabet.encode(`${problem.id}\n`));
    /** @type {Map<string, Known>} */
    const found = new Map();
    /** @type {Map<string, Known>} */
    const shared = new Map();
    const rights = solutions.map(({ tokens }, i) => {
      const context = contexts[i];
      const row = [...context, ...tokens];
      let fresh = 0;
      if (!longest(row, this.known)) {
        this.known.set(context.join(), this.goOn(context, 0));
        bill.verifier += rewardFlops(model.config, context.length, 0);
        fresh += context.length;
      }
      const name = row.join();
      const begun = longest(row, this.known);
      const read = found.get(name) ?? this.goOn(row, begun);
      if (!found.has(name) && begun < row.length) {
        bill.verifier += rewardFlops(model.config, row.length - begun, begun);
        fresh += row.length - begun;
      }
      found.set(name, read);
      const known = this.known.get(context.join());
      if (known) shared.set(context.join(), known);
      if (row.length > fresh) bill.cached += rewardFlops(model.config, row.length - fresh, 0);
      bill.calls += 1;
      return read.right.slice(context.length);
    });
    const again = this.remembers ? beginnings([...found.keys()], this.known) : [];
    this.known = new Map([...shared, ...again, ...[...found].flatMap(([name, read]) => stepEnds(name, read))]);
    return rights;
  }

  /**
   * Reads a row after its first tokens, which are known.
   *
   * @param {number[]} row
   * @param {number} begun
   * @returns {Known}
   */
  goOn(row, begun) {
    const { model, memory } = this;
    const name = `${begun} ${row.join()}`;
    const old = memory?.get(name);
    if (old) return old;
    const before = begun ? /** @type {Known} */ (this.known.get(row.slice(0, begun).join())) : null;
    if (before && begun === row.length) return before;
    let reading = before ? { ...before.reading, cache: before.reading.cache.fork(begun) } : model.blank();
    const right = before ? [...before.right] : [];
    const ends = [];
    for (const token of row.slice(begun)) {
      reading = model.read(token, reading);
      right.push(reading.right);
      if (token === model.promptEnd) ends.push({ length: right.length, reading });
    }
    const read = { right, reading, own: row.length - begun, ends };
    memory?.set(name, read);
    return read;
  }
}

/**
 * The length of the longest known prefix of a row.
 *
 * @param {number[]} row
 * @param {Map<string, Known>} known
 */
function longest(row, known) {
  const lengths = [...new Set([...known.values()].map(({ right }) => right.length))].sort((a, b) => b - a);
  return lengths.find((length) => length <= row.length && known.has(row.slice(0, length).join())) ?? 0;
}

/**
 * The known prefixes of the rows.
 *
 * @param {string[]} rows names of the rows
 * @param {Map<string, Known>} known
 */
function beginnings(rows, known) {
  return [...known].filter(([name]) => rows.some((row) => row === name || row.startsWith(`${name},`)));
}

/**
 * The prefixes of a row that end with a step of the last pass, from which reading can continue.
 *
 * @param {string} name
 * @param {Known} read
 * @returns {[string, Known][]}
 */
function stepEnds(name, { right, own, ends }) {
  const tokens = name.split(",");
  return ends.filter(({ length }) => length > right.length - own).map(({ length, reading }) => [
    tokens.slice(0, length).join(),
    { right: right.slice(0, length), reading, own: own - (right.length - length), ends: ends.filter((end) => end.length <= length) },
  ]);
}

/** The oracle, which knows the right answer. */
export class Oracle {
  /** @param {import("./flops.js").Bill} bill */
  constructor(bill) { this.bill = bill; }

  /** @param {Solution[]} solutions */
  score(solutions) {
    this.bill.calls += solutions.length;
    return solutions.map((solution) => Number(isRight(solution)));
  }

  /** @param {Solution[]} solutions */
  scoreSteps(solutions) {
    this.bill.calls += solutions.length;
    return solutions.map((solution) => rightSoFar(solution).map(Number));
  }

  /** @param {Solution} solution accepted if its answer is right, whatever its steps */
  accepts(solution) { return isRight(solution); }
}

/** An oracle with Gaussian noise that depends only on the text. */
export class NoisyOracle {
  /**
   * @param {import("./flops.js").Bill} bill
   * @param {number} quality AUC, above 0.5 and below 1
   */
  constructor(bill, quality) {
    this.bill = bill;
    this.distance = Math.SQRT2 * quantile(quality);
  }

  /** @param {Solution[]} solutions */
  score(solutions) {
    this.bill.calls += solutions.length;
    return solutions.map((solution) => this.noisy(isRight(solution), `0/${solution.problem.id}/${solution.text}/whole`));
  }

  /** @param {Solution[]} solutions */
  scoreSteps(solutions) {
    this.bill.calls += solutions.length;
    return solutions.map((solution) => rightSoFar(solution).map((right, i) =>
      this.noisy(right, `0/${solution.problem.id}/${solution.steps.slice(0, i + 1).join("\n")}`)));
  }

  /**
   * @param {boolean} right
   * @param {string} name name of the random stream of the noise
   */
  noisy(right, name) {
    const uniform = new RandomStream(name).at(0);
    const observed = quantile(Math.min(Math.max(uniform, 1e-6), 1 - 1e-6)) + this.distance * (Number(right) - 0.5);
    return 1 / (1 + Math.exp(-this.distance * observed));
  }
}

/** @param {Solution} solution */
export function isRight({ answer, problem }) { return answer === problem.answer; }

/** @param {Solution} solution wrong at its last step if it ends too early */
export function rightSoFar(solution) {
  const checks = checkSteps(solution.problem, solution.steps);
  if (solution.finished && checks.length) checks[checks.length - 1] &&= isRight(solution);
  return checks;
}

/**
 * The quantile of the standard normal distribution, by Newton's method on its distribution function.
 *
 * @param {number} p
 */
export function quantile(p) {
  let x = 0;
  for (let i = 0; i < 60; i++) {
    const step = (normal(x) - p) / (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI));
    x -= Math.max(-0.5, Math.min(0.5, step));
    if (Math.abs(step) < 1e-13) break;
  }
  return x;
}

/**
 * The standard normal distribution function: a series near zero, a continued fraction far from it.
 *
 * @param {number} x
 */
function normal(x) {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) < 3) {
    let [sum, term] = [x, x];
    for (let n = 1; n < 60; n++) sum += term *= (x * x) / (2 * n + 1);
    return 0.5 + density * sum;
  }
  let fraction = Math.abs(x);
  for (let n = 60; n > 0; n--) fraction = Math.abs(x) + n / fraction;
  return x > 0 ? 1 - density / fraction : density / fraction;
}
