// The policy: writes solutions, whole or step by step, or from a given step on (ttclab/policy.py, engine/sampler.py).
import { answerOf, stepsOf } from "./arithmetic.js";
import { decodeFlops, forwardFlops } from "./flops.js";
import { RandomStream } from "./random.js";

/**
 * @typedef {object} Solution
 * @property {import("./arithmetic.js").Problem} problem
 * @property {string} text
 * @property {number[]} tokens all tokens written, including the end-of-text token
 * @property {boolean} finished whether the policy ended the solution itself
 * @property {string} key name of its random stream
 * @property {string[]} steps
 * @property {string | null} answer
 */

const STEP_END = "\n";
const LIMIT = 64; // most tokens of a solution
const ATTEMPT_END = "#";
const ATTEMPTS_SHOWN = 4;

/** Converts between characters and tokens. */
export class Alphabet {
  /** @param {string[]} characters by token */
  constructor(characters) {
    this.characters = characters;
    this.ids = new Map(characters.map((character, id) => [character, id]));
  }

  /** @param {string} text */
  encode(text) { return [...text].map((character) => /** @type {number} */ (this.ids.get(character))); }

  /** @param {number[]} tokens */
  decode(tokens) { return tokens.map((token) => this.characters[token]).join(""); }
}

/** Writes solutions to one problem and charges them to a bill. Shared prefixes are computed once. */
export class Policy {
  /**
   * @param {import("./llama.js").Llama} model
   * @param {Alphabet} alphabet
   * @param {import("./flops.js").Bill} bill
   * @param {{ temperature: number, seed: number }} options
   * @param {Map<string, Solution>} [memory] solutions that were written before: they are charged, but not computed again
   */
  constructor(model, alphabet, bill, { temperature, seed }, memory) {
    this.model = model;
    this.alphabet = alphabet;
    this.bill = bill;
    this.temperature = temperature;
    this.seed = seed;
    this.memory = memory;
    /** @type {Map<string, import("./llama.js").Cache>} caches of rows by their tokens */
    this.known = new Map();
    this.stepEnd = alphabet.encode(STEP_END)[0];
  }

  /**
   * Draws n solutions.
   *
   * @param {import("./arithmetic.js").Problem} problem
   * @param {number} n
   */
  generate(problem, n) { return this.write(this.beginnings(problem, n), false); }

  /**
   * Continues unfinished solutions by one step, or draws n first steps.
   *
   * @param {import("./arithmetic.js").Problem} problem
   * @param {number | Solution[]} partials
   */
  generateStep(problem, partials) {
    const rows = typeof partials === "number" ? this.beginnings(problem, partials) : forks(partials);
    return this.write(rows, true);
  }

  /**
   * Keeps the first steps of each solution and rewrites the remaining steps, with a new random stream.
   *
   * @param {Solution[]} solutions
   * @param {number[]} steps number of steps to keep of each solution
   */
  restart(solutions, steps) {
    const begun = solutions.map((solution, i) => {
      const text = solution.steps.slice(0, steps[i]).map((step) => step + STEP_END).join("");
      const tokens = solution.tokens.slice(0, this.stepEnds(solution)[steps[i] - 1] + 1 || 0);
      return unfinished(solution.problem, text, tokens, `${solution.key}/rewritten`);
    });
    this.bill.generations += begun.filter(({ text }) => text).length; // `write` charges a solution without kept steps as a generation
    this.bill.revisions += begun.length;
    return this.write(begun, false);
  }

  /**
   * Writes one more solution of each chain, after the policy has read the chain's last attempts.
   *
   * @param {Solution[][]} chains newest solution last
   */
  revise(chains) {
    this.known = new Map(); // every round of revisions reads its attempts anew
    const begun = chains.map((chain) => {
      const { problem, key } = chain[chain.length - 1];
      return unfinished(problem, "", [], `${key}/revised`);
    });
    this.bill.revisions += begun.length;
    return this.write(begun, false, chains.map((chain) => chain.slice(-ATTEMPTS_SHOWN).map(({ text }) => text + ATTEMPT_END).join("")));
  }

  /**
   * Indices of the tokens that end a step.
   *
   * @param {Solution} solution
   */
  stepEnds({ tokens }) { return [...tokens.keys()].filter((i) => tokens[i] === this.stepEnd); }

  /**
   * n empty solutions, each with its own random stream.
   *
   * @param {import("./arithmetic.js").Problem} problem
   * @param {number} n
   */
  beginnings(problem, n) {
    return Array.from({ length: n }, (_, i) => unfinished(problem, "", [], `${this.seed}/${problem.id}/${i}`));
  }

  /**
   * Continues solutions to their end, or to the end of a step. Solutions at the token limit are returned unchanged.
   *
   * @param {Solution[]} begun
   * @param {boolean} oneStep
   * @param {string[]} [attempts] what stands before the problem, for each solution
   */
  write(begun, oneStep, attempts) {
    /** @type {Map<string, { row: import("./llama.js").Cache, logits: Float32Array }>} */
    const starts = new Map();
    return begun.map((solution, i) => {
      if (solution.tokens.length >= LIMIT) return solution;
      const context = [...this.alphabet.encode(`${attempts?.[i] ?? ""}${solution.problem.id}\n`), ...solution.tokens];
      const start = this.start(context, starts);
      if (!solution.tokens.length) this.bill.generations += 1;
      return this.writeRow(solution, context, start, oneStep);
    });
  }

  /**
   * The cache of a context and the logits of the next token. Rows with the same context share them.
   *
   * @param {number[]} context
   * @param {Map<string, { row: import("./llama.js").Cache, logits: Float32Array }>} starts
   */
  start(context, starts) {
    const { model, bill } = this;
    const name = context.join();
    const shared = starts.get(name);
    if (shared) {
      bill.cached += forwardFlops(model.config, context.length, 0, 1);
      return shared;
    }
    const before = this.known.get(context.slice(0, -1).join()); // the last token is fed again, for its logits
    const length = before ? context.length - 1 : 0;
    const row = before ? before.fork(length) : model.cache();
    /** @type {Float32Array} */
    let logits = new Float32Array();
    for (const token of context.slice(length)) logits = model.feed(token, row);
    bill.prefill += forwardFlops(model.config, context.length - length, length, 1);
    if (length) bill.cached += forwardFlops(model.config, length, 0, 1);
    const start = { row, logits };
    starts.set(name, start);
    return start;
  }

  /**
   * @param {Solution} solution
   * @param {number[]} context
   * @param {{ row: import("./llama.js").Cache, logits: Float32Array }} start
   * @param {boolean} oneStep
   */
  writeRow(solution, context, { row: before, logits }, oneStep) {
    const { model, alphabet, memory } = this;
    const name = `${solution.key} ${context.join()}`;
    const old = memory?.get(name);
    if (old) {
      this.charge(old, solution, context);
      return old;
    }
    const row = before.fork();
    const stream = new RandomStream(solution.key);
    const tokens = [...solution.tokens];
    const prompt = context.length - tokens.length;
    let newest = -1;
    for (;;) {
      newest = draw(logits, this.temperature, () => stream.at(tokens.length));
      tokens.push(newest);
      const isEnd = newest === this.stepEnd;
      // A later row may continue from here; its last token is fed again.
      if (isEnd) this.known.set([...context.slice(0, prompt), ...tokens.slice(0, -1)].join(), row);
      if (newest === model.config.eos_token_id || tokens.length === LIMIT || (oneStep && isEnd)) break;
      logits = model.feed(newest, row);
    }
    this.known.set(context.slice(0, prompt - 1).join(), row);
    const finished = newest === model.config.eos_token_id;
    const done = written(solution.problem, alphabet.decode(finished ? tokens.slice(0, -1) : tokens), tokens, finished, solution.key);
    this.charge(done, solution, context);
    memory?.set(name, done);
    return done;
  }

  /**
   * Charges the tokens of a solution after those of its beginning.
   *
   * @param {Solution} done
   * @param {Solution} begun
   * @param {number[]} context
   */
  charge(done, begun, context) {
    this.bill.decode += decodeFlops(this.model.config, done.tokens.length - begun.tokens.length - 1, context.length);
  }
}

/**
 * The next token, by inverting the cumulative distribution.
 *
 * @param {Float32Array} logits
 * @param {number} temperature 0 is greedy
 * @param {() => number} uniform
 */
export function draw(logits, temperature, uniform) {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  if (temperature === 0) return best;
  const weights = Array.from(logits, (logit) => Math.exp((logit - logits[best]) / temperature));
  const target = Math.min(uniform(), 1 - 1e-6) * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const token = weights.findIndex((weight) => (sum += weight) > target);
  return token < 0 ? logits.length - 1 : token;
}

/**
 * The solutions, with a new random stream for each duplicate.
 *
 * @param {Solution[]} solutions
 */
function forks(solutions) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return solutions.map((solution) => {
    const copy = seen.get(solution.key) ?? 0;
    seen.set(solution.key, copy + 1);
    return copy ? { ...solution, key: `${solution.key}/${solution.tokens.length}.${copy}` } : solution;
  });
}

/**
 * @param {import("./arithmetic.js").Problem} problem
 * @param {string} text
 * @param {number[]} tokens
 * @param {string} key
 */
function unfinished(problem, text, tokens, key) { return written(problem, text, tokens, false, key); }

/**
 * @param {import("./arithmetic.js").Problem} problem
 * @param {string} text
 * @param {number[]} tokens
 * @param {boolean} finished
 * @param {string} key
 * @returns {Solution}
 */
function written(problem, text, tokens, finished, key) {
  return { problem, text, tokens, finished, key, steps: stepsOf(text), answer: finished ? answerOf(text) : null };
}
