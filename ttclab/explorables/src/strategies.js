// The strategies of the Python package: best-of-N, beam search, DVTS step-level revision and rewriting (ttclab/sampling.py,
// beam_search.py and revision.py). Each reports its rounds to `watch`.
import { Policy } from "./policy.js";

/**
 * @typedef {import("./policy.js").Solution} Solution
 * @typedef {import("./verifiers.js").Verifier} Verifier
 * @typedef {import("./arithmetic.js").Problem} Problem
 *
 * @typedef {object} Candidate
 * @property {Solution} solution
 * @property {number[]} steps scores of its steps; empty if it was not scored
 * @property {number} score
 *
 * @typedef {object} Sight A solution written in a round.
 * @property {number} tree index of its tree or chain
 * @property {Candidate} candidate
 * @property {number} from number of its steps written in earlier rounds
 *
 * @typedef {(written: Sight[], kept: { tree: number, solution: Solution }[]) => void} Watch
 *
 * @typedef {{ solutions: Solution[], scores: number[] }} Found
 */

const MAX_STEPS = 40;

/**
 * Draws N solutions and scores them.
 *
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {number} N
 * @returns {Found}
 */
export function parallelSearch(policy, verifier, problem, N) {
  const solutions = policy.generate(problem, N);
  return { solutions, scores: verifier.score(solutions) };
}

/**
 * Beam search: of N partial solutions, the best N/M are kept and continued M times each.
 *
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {number} N
 * @param {number} M
 * @param {Watch} [watch]
 */
export function beamSearch(policy, verifier, problem, N, M, watch) {
  return searchTrees(policy, verifier, problem, { N, M, places: N }, watch);
}

/**
 * Diverse verifier tree search: N/M beam searches of M places each that share no beam.
 *
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {number} N
 * @param {number} M
 * @param {Watch} [watch]
 */
export function dvts(policy, verifier, problem, N, M, watch) {
  return searchTrees(policy, verifier, problem, { N, M, places: M }, watch);
}

/**
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {{ N: number, M: number, places: number }} budget
 * @param {Watch} [watch]
 * @returns {Found}
 */
function searchTrees(policy, verifier, problem, { N, M, places }, watch = () => {}) {
  const first = policy.generateStep(problem, N);
  const trees = Array.from({ length: N / places }, (_, i) => new Tree(i, first.slice(i * places, (i + 1) * places)));
  let growing = trees;
  for (let round = 1; round < MAX_STEPS; round++) {
    score(verifier, growing.flatMap((tree) => tree.toScore(M)));
    const written = growing.flatMap((tree) => tree.written());
    for (const tree of growing) tree.prune(M);
    watch(written, growing.flatMap((tree) => tree.live.map(({ solution }) => ({ tree: tree.index, solution }))));
    growing = growing.filter(({ live }) => live.length);
    if (!growing.length) break;
    const steps = policy.generateStep(problem, growing.flatMap(({ live }) => live.map(({ solution }) => solution)));
    for (const tree of growing) tree.live = steps.splice(0, tree.live.length).map(candidate);
  }
  score(verifier, growing.flatMap(({ live }) => live));
  if (growing.length) watch(growing.flatMap((tree) => tree.written()), []);
  const found = trees.flatMap(({ finished, live }) => [...finished, ...live]);
  return { solutions: found.map(({ solution }) => solution), scores: found.map((each) => each.score) };
}

/** The beams of a search: all of them, or the M beams of one tree. */
class Tree {
  /** @type {Candidate[]} */
  finished = [];

  /**
   * @param {number} index
   * @param {Solution[]} solutions
   */
  constructor(index, solutions) {
    this.index = index;
    this.live = solutions.map(candidate);
  }

  /** @param {number} M with M=1 nothing is pruned and only finished solutions are scored */
  toScore(M) { return M > 1 ? this.live : this.live.filter(({ solution }) => solution.finished); }

  /** @returns {Sight[]} */
  written() {
    return this.live.map((each) => ({
      tree: this.index, candidate: each, from: each.solution.steps.length - Number(!each.solution.finished),
    }));
  }

  /**
   * Sets finished solutions aside, and gives M places to each of the best unfinished solutions.
   *
   * @param {number} M
   */
  prune(M) {
    this.finished.push(...this.live.filter(({ solution }) => solution.finished));
    const ranked = this.live.filter(({ solution }) => !solution.finished);
    const places = ranked.length;
    if (M > 1) ranked.sort((a, b) => b.score - a.score || order(a.solution.text, b.solution.text) || order(a.solution.key, b.solution.key));
    const kept = ranked.slice(0, Math.ceil(places / M));
    this.live = kept.flatMap((each) => Array.from({ length: M }, () => each)).slice(0, places);
  }
}

/**
 * Step-level revision: each of M chains keeps the steps before the first rejected one and rewrites the others, at most T times.
 *
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {number} T
 * @param {number} M
 * @param {number} [threshold] score below which a step is rejected
 * @param {Watch} [watch]
 * @returns {Found}
 */
export function stepRevise(policy, verifier, problem, T, M, threshold = 0.5, watch = () => {}) {
  const chains = policy.generate(problem, M).map((solution, index) => ({ index, all: [candidate(solution)], kept: 0, over: false }));
  let growing = chains;
  for (let revision = 0; ; revision++) {
    const before = growing.map(({ kept }) => kept);
    const newest = growing.map(({ all }) => all[all.length - 1]);
    score(verifier, newest);
    growing.forEach((chain, i) => {
      const { solution, steps } = newest[i];
      const doubted = verifier.accepts?.(solution) ? -1 : steps.length ? steps.findIndex((score) => score < threshold) : 0;
      chain.over = doubted < 0;
      chain.kept = Math.max(doubted, 0);
    });
    watch(growing.map(({ index }, i) => ({ tree: index, candidate: newest[i], from: before[i] })), []);
    growing = growing.filter(({ over }) => !over);
    if (revision === T || !growing.length) break;
    const revised = policy.restart(growing.map(({ all }) => all[all.length - 1].solution), growing.map(({ kept }) => kept));
    growing.forEach(({ all }, i) => all.push(candidate(revised[i])));
  }
  const found = chains.flatMap(({ all }) => all);
  return { solutions: found.map(({ solution }) => solution), scores: found.map((each) => each.score) };
}

/**
 * Rewriting: N chains of T revisions, each of which writes the whole solution again after reading the chain's last attempts.
 *
 * @param {Policy} policy
 * @param {Verifier} verifier
 * @param {Problem} problem
 * @param {number} N
 * @param {number} T
 * @returns {Found}
 */
export function rewrite(policy, verifier, problem, N, T) {
  const chains = policy.generate(problem, N).map((solution) => [solution]);
  for (let revision = 0; revision < T; revision++) policy.revise(chains).forEach((solution, i) => chains[i].push(solution));
  const solutions = chains.flat();
  return { solutions, scores: verifier.score(solutions) };
}

/**
 * @param {Solution} solution
 * @returns {Candidate}
 */
function candidate(solution) { return { solution, steps: [], score: 0 }; }

/**
 * Scores candidates by their last steps, in one call.
 *
 * @param {Verifier} verifier
 * @param {Candidate[]} candidates
 */
function score(verifier, candidates) {
  const scores = candidates.length ? verifier.scoreSteps(candidates.map(({ solution }) => solution)) : [];
  candidates.forEach((each, i) => {
    each.steps = scores[i];
    each.score = scores[i][scores[i].length - 1] ?? 0;
  });
}

/**
 * The choices of the best score, of a vote weighted by scores, and of a majority vote.
 *
 * @param {Found} found
 */
export function picks({ solutions, scores }) {
  const best = choose(solutions, scores, [...solutions.keys()]);
  const elected = (/** @type {number[]} */ weights) => {
    const answer = vote(solutions, weights);
    return choose(solutions, scores, [...solutions.keys()].filter((i) => solutions[i].answer === answer));
  };
  return { best, weighted: elected(scores), vote: elected(scores.map(() => 1)) };
}

/**
 * The index of the solution with the highest score among `places`; ties go to the text that sorts first.
 *
 * @param {Solution[]} solutions
 * @param {number[]} scores
 * @param {number[]} places
 */
function choose(solutions, scores, places) {
  return places.reduce((best, i) => {
    const ahead = scores[i] - scores[best] || order(solutions[best].text, solutions[i].text);
    return ahead > 0 ? i : best;
  });
}

/**
 * The answer with the highest sum of weights; null if no solution has an answer. Ties go to the shorter answer, then to the answer
 * that sorts first.
 *
 * @param {Solution[]} solutions
 * @param {number[]} weights
 */
export function vote(solutions, weights) {
  /** @type {Map<string, number>} */
  const votes = new Map();
  const places = [...solutions.keys()].sort((a, b) => weights[a] - weights[b]); // a fixed order, so that rounding errors are always the same
  for (const i of places) {
    const { answer } = solutions[i];
    if (answer !== null) votes.set(answer, (votes.get(answer) ?? 0) + weights[i]);
  }
  const ranked = [...votes].sort(([a, x], [b, y]) => y - x || a.length - b.length || order(a, b));
  return ranked.length ? ranked[0][0] : null;
}

/**
 * @param {string} a
 * @param {string} b
 */
function order(a, b) { return a < b ? -1 : a > b ? 1 : 0; }
