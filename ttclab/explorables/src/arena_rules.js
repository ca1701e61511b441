// The rules of the arena: what moves cost, and the score.

/**
 * @typedef {[flops: number, wins: number][]} Curve Of uniform sampling, over its budgets.
 *
 * @typedef {object} Standing Anybody's moves, and totals after each problem, which begin with nothing.
 * @property {number[]} moves
 * @property {number[]} wins of each problem, in draws
 * @property {number[]} solved in draws
 * @property {number[]} generations
 * @property {number[]} flops in thousands
 * @property {number[]} score problems solved beyond uniform sampling for the same FLOPs
 */

/**
 * The price of N chains of T revisions.
 *
 * @param {number} N
 * @param {number} T
 */
export function generations(N, T) { return N * (1 + T); }

/**
 * @param {{ moves: number[], wins: number[], prices: number[], flops: number[] }} played a value a problem
 * @param {Curve[]} uniform after each problem
 * @param {number} draws
 * @returns {Standing}
 */
export function standing({ moves, wins, prices, flops }, uniform, draws) {
  const [solved, spent] = [totals(wins), totals(flops)];
  const score = solved.map((won, i) => (i ? Math.round((100 * (won - mixed(uniform[i - 1], spent[i]))) / draws) / 100 : 0));
  return { moves, wins, solved, generations: totals(prices), flops: spent, score };
}

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
export function total(values) { return values.reduce((sum, value) => sum + value, 0); }

/**
 * The sums of the first values, of none at first.
 *
 * @param {number[]} values
 */
export function totals(values) { return [0, ...values.map((_, i) => total(values.slice(0, i + 1)))]; }

/**
 * @template T
 * @param {T[]} values
 */
export function last(values) { return values[values.length - 1]; }
