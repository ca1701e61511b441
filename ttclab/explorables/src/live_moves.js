// Moves of the arena on a new problem, run by the models: the first attempt, and draws of N chains of T revisions.
import { parseProblem } from "./arithmetic.js";
import { Bill, rewardFlops } from "./flops.js";
import { Policy } from "./policy.js";
import { picks, rewrite } from "./strategies.js";
import { isRight, Prm } from "./verifiers.js";

/**
 * @typedef {import("./live_search.js").Models} Models
 *
 * @typedef {object} Look A first attempt and its score; FLOPs of both.
 * @property {string | null} answer
 * @property {boolean} right
 * @property {number} score
 * @property {number} flops
 *
 * @typedef {object} Drawn
 * @property {string | null} answer of the first draw, chosen by a vote weighted by scores
 * @property {number} wins draws that are right
 * @property {number} flops mean over the draws, without a look
 * @property {number} saved FLOPs of these that a look saves, because the verifier has read the problem, and perhaps the text
 *
 * @typedef {{ solutions: Map<string, import("./policy.js").Solution>, readings: Map<string, import("./verifiers.js").Known> }} Memory
 */

const TEMPERATURE = 1;
const LOOK = 0; // its seed; the draws have the seeds 1, 2, ...

/** What was written and read for the newest problem. Every draw is charged as if it were the only one. */
let newest = "";
/** @type {Memory} */
let memory;

/**
 * @param {Models} models
 * @param {{ problem: string }} asked
 * @returns {Look}
 */
export function look(models, { problem }) {
  const { solutions: [{ answer, ...solution }], scores: [score], flops } = run(models, problem, 1, 0, LOOK);
  return { answer, right: isRight({ ...solution, answer }), score, flops };
}

/**
 * @param {Models} models
 * @param {{ problem: string, N: number, T: number, draws: number }} asked
 * @returns {Drawn}
 */
export function draws(models, { problem, N, T, draws: count }) {
  const { solutions: [first] } = run(models, problem, 1, 0, LOOK);
  const prompt = problem.length + 1;
  const told = Array.from({ length: count }, (_, draw) => {
    const { solutions, scores, flops } = run(models, problem, N, T, LOOK + 1 + draw);
    const { answer } = solutions[picks({ solutions, scores }).weighted];
    const again = solutions.some(({ tokens }) => tokens.join() === first.tokens.join());
    const saved = rewardFlops(models.prm.config, prompt, 0) + (again ? rewardFlops(models.prm.config, first.tokens.length, prompt) : 0);
    return { answer, right: isRight({ ...first, answer }), flops, saved };
  });
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / count;
  return {
    answer: told[0].answer,
    wins: told.filter(({ right }) => right).length,
    flops: mean(told.map(({ flops }) => flops)),
    saved: mean(told.map(({ saved }) => saved)),
  };
}

/**
 * @param {Models} models
 * @param {string} id
 * @param {number} N
 * @param {number} T
 * @param {number} seed
 */
function run({ policy: model, prm, alphabet }, id, N, T, seed) {
  if (id !== newest) {
    newest = id;
    memory = { solutions: new Map(), readings: new Map() };
  }
  const bill = new Bill();
  const policy = new Policy(model, alphabet, bill, { temperature: TEMPERATURE, seed }, memory.solutions);
  const found = rewrite(policy, new Prm(prm, alphabet, bill, false, memory.readings), parseProblem(id), N, T);
  return { ...found, flops: bill.flops };
}
