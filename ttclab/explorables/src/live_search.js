// Runs a strategy on one problem and records a story for the page: solutions written and kept in each round, and the bill.
import { nameOf, parseProblem } from "./arithmetic.js";
import { Bill, decodeFlops } from "./flops.js";
import { Llama, readSafetensors } from "./llama.js";
import { Alphabet, Policy } from "./policy.js";
import { RewardModel } from "./reward_model.js";
import { beamSearch, dvts, parallelSearch, picks, stepRevise } from "./strategies.js";
import { isRight, NoisyOracle, Oracle, Prm } from "./verifiers.js";

/**
 * @typedef {import("./policy.js").Solution} Solution
 *
 * @typedef {object} Settings
 * @property {Strategy} strategy
 * @property {string} problem
 * @property {number} N the budget
 * @property {number} M beam width, or chains
 * @property {number} temperature
 * @property {number} seed
 * @property {"prm" | "oracle" | "noisy"} verifier
 * @property {number} threshold of step-level revision
 * @property {number} quality of the noisy oracle
 *
 * @typedef {object} Path A partial or complete solution in a round.
 * @property {number} tree
 * @property {string[]} steps
 * @property {number[]} scores of its steps; empty if it was not scored
 * @property {number} from number of steps written in earlier rounds
 * @property {boolean} finished
 *
 * @typedef {object} Round
 * @property {Path[]} written
 * @property {string[]} dropped names (`nameOf`) of partial solutions that the search drops
 * @property {{ writing: number, verifier: number, generations: number }} spent running totals
 *
 * @typedef {{ tree: number, steps: string[], answer: string | null, right: boolean, score: number }} Leaf
 * @typedef {{ strategy: Strategy, rounds: Round[], leaves: Leaf[], picks: { best: number, weighted: number, vote: number } }} Story
 * @typedef {"samples" | "beam" | "dvts" | "revision"} Strategy
 */

/** The models, loaded from their files. */
export class Models {
  /**
   * @param {Record<"policy" | "prm", import("./llama.js").Config>} configs
   * @param {Record<"policy" | "prm", ArrayBuffer>} files
   * @param {string[]} characters
   */
  constructor(configs, files, characters) {
    this.policy = new Llama(configs.policy, readSafetensors(files.policy));
    this.prm = new RewardModel(configs.prm, readSafetensors(files.prm));
    this.alphabet = new Alphabet(characters);
  }
}

/**
 * @param {Models} models
 * @param {Settings} settings
 * @returns {Story}
 */
export function search({ policy: model, prm, alphabet }, settings) {
  const { strategy, N, M, threshold } = settings;
  const problem = parseProblem(settings.problem);
  const bill = new Bill();
  const policy = new Policy(model, alphabet, bill, settings);
  const verifierFor = (/** @type {Bill} */ payer) => (
    settings.verifier === "prm" ? new Prm(prm, alphabet, payer, strategy === "revision")
      : settings.verifier === "noisy" ? new NoisyOracle(payer, settings.quality) : new Oracle(payer));
  const verifier = verifierFor(bill);
  /** @type {Round[]} */
  const rounds = [];
  /** @type {Map<Solution, number>} */
  const treeOf = new Map();
  /** @type {Map<number, Solution>} */
  const newest = new Map();
  const spent = () => ({ writing: bill.prefill + bill.decode, verifier: bill.verifier, generations: bill.generations });
  /** @type {import("./strategies.js").Watch} */
  const watch = (written, kept) => {
    const dropped = strategy === "revision" ? replacedSteps(written, newest) : pruned(written, kept);
    for (const { tree, candidate: { solution } } of written) {
      treeOf.set(solution, tree);
      newest.set(tree, solution);
    }
    rounds.push({
      written: written.map(({ tree, candidate: { solution, steps }, from }) => (
        { tree, steps: solution.steps, scores: steps, from, finished: solution.finished })),
      dropped,
      spent: spent(),
    });
  };
  /** @type {import("./strategies.js").Found} */
  let found;
  if (strategy === "samples") {
    found = parallelSearch(policy, verifier, problem, N);
    rounds.push(...byDepth(policy, found.solutions));
    const steps = verifier instanceof Prm ? verifier.told(found.solutions) : verifierFor(new Bill()).scoreSteps(found.solutions);
    rounds.push({
      written: found.solutions.map((solution, i) => (
        { tree: 0, steps: solution.steps, scores: [...steps[i].slice(0, -1), found.scores[i]], from: solution.steps.length, finished: solution.finished })),
      dropped: [],
      spent: spent(),
    });
  } else if (strategy === "revision") {
    found = stepRevise(policy, verifier, problem, N / M - 1, M, threshold, watch);
  } else {
    found = (strategy === "beam" ? beamSearch : dvts)(policy, verifier, problem, N, M, watch);
  }
  const leaves = found.solutions.map((solution, i) => ({
    tree: treeOf.get(solution) ?? 0, steps: solution.steps, answer: solution.answer, right: isRight(solution), score: found.scores[i],
  }));
  return { strategy, rounds, leaves, picks: picks(found) };
}

/**
 * The unfinished solutions of which no copy is kept.
 *
 * @param {import("./strategies.js").Sight[]} written
 * @param {{ tree: number, solution: Solution }[]} kept
 */
function pruned(written, kept) {
  const names = new Set(kept.map(({ tree, solution }) => nameOf(tree, solution.steps)));
  const open = written.filter(({ candidate }) => !candidate.solution.finished);
  return open.map(({ tree, candidate }) => nameOf(tree, candidate.solution.steps)).filter((name) => !names.has(name));
}

/**
 * The steps of earlier attempts that the restarts of their chains replaced.
 *
 * @param {import("./strategies.js").Sight[]} written
 * @param {Map<number, Solution>} newest attempt of each chain before its restart
 */
function replacedSteps(written, newest) {
  return written.flatMap(({ tree, candidate: { solution } }) => {
    const old = newest.get(tree)?.steps ?? [];
    const same = old.findIndex((step, i) => step !== solution.steps[i]);
    return same < 0 ? [] : old.slice(same).map((_, i) => nameOf(tree, old.slice(0, same + i + 1)));
  });
}

/**
 * Samples round by round, one step per round, with the cost of writing so far.
 *
 * @param {Policy} policy
 * @param {Solution[]} solutions
 * @returns {Round[]}
 */
function byDepth(policy, solutions) {
  const prompt = solutions[0].problem.id.length + 1;
  const depth = Math.max(1, ...solutions.map(({ steps }) => steps.length));
  return Array.from({ length: depth }, (_, round) => {
    const lengths = solutions.map((solution) => {
      const ends = policy.stepEnds(solution);
      return round + 1 < solution.steps.length && round in ends ? ends[round] + 1 : solution.tokens.length;
    });
    const decode = lengths.reduce((sum, length) => sum + decodeFlops(policy.model.config, length - 1, prompt), 0);
    return {
      written: solutions.filter(({ steps }) => steps.length > round).map(({ steps }) => (
        { tree: 0, steps: steps.slice(0, round + 1), scores: [], from: round, finished: false })),
      dropped: [],
      spent: { writing: policy.bill.prefill + decode, verifier: 0, generations: solutions.length },
    };
  });
}
