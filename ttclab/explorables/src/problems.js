// New problems, by the rule of the package's own (`generate_problems` in ttclab/tasks/arithmetic.py), with a seed.
import { parseProblem } from "./arithmetic.js";
import { blake2b, RandomStream } from "./random.js";

/**
 * How problems are drawn: lengths, and for each size the largest start, and the first and last term and factor.
 *
 * @typedef {{ lengths: number[], sizes: [start: number, terms: [number, number], factors: [number, number]][], split: string }} Rule
 */

/**
 * Draws problems of different lengths and sizes, none of which a model was trained on.
 *
 * @param {unknown} _models unused
 * @param {{ rule: Rule, count: number, seed: number }} asked at most as many as there are pairs of a length and a size
 */
export function problems(_models, { rule: { lengths, sizes, split }, count, seed }) {
  const stream = new RandomStream(`arena/${seed}`);
  let place = 0;
  /** A whole number, both bounds included. @type {(low: number, high: number) => number} */
  const whole = (low, high) => low + Math.floor(stream.at(place++) * (high - low + 1));
  const kinds = sizes.flatMap((size) => lengths.map((length) => ({ size, length })));
  return Array.from({ length: count }, () => {
    const [{ size, length }] = kinds.splice(whole(0, kinds.length - 1), 1);
    for (;;) {
      const id = expression(size, length, whole);
      if (splitOf(id) === split) return parseProblem(id);
    }
  });
}

/**
 * @param {Rule["sizes"][number]} size
 * @param {number} length
 * @param {(low: number, high: number) => number} whole
 */
function expression([start, terms, factors], length, whole) {
  let total = whole(1, start);
  let id = String(total).padStart(3, "0");
  for (let i = 0; i < length; i++) {
    let [sign, operand, result] = ["", 0, 0];
    while (result < 1 || result > 999) {
      sign = "+-*"[whole(0, 2)];
      operand = whole(...(sign === "*" ? factors : terms));
      result = sign === "+" ? total + operand : sign === "-" ? total - operand : total * operand;
    }
    total = result;
    id += `${sign}${String(operand).padStart(2, "0")}`;
  }
  return id;
}

/**
 * The split of a problem, by a hash of its id, as in Python.
 *
 * @param {string} id
 */
function splitOf(id) {
  const [word] = blake2b(id, 2);
  const bucket = Number(((word & 255n) << 8n) | ((word >> 8n) & 255n)) % 10;
  return ["test", "validation"][bucket] ?? "train";
}
