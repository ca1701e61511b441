// The arithmetic task (ttclab/tasks/arithmetic.py): problems, the steps of a solution, exact checks.

/**
 * @typedef {object} Problem
 * @property {string} id the expression that a model is fed: 015+74+46*06
 * @property {string} question text for people
 * @property {string} answer
 * @property {string[]} right steps of the only right solution
 */

const PROBLEM = /^[0-9]{3}(?:[-+*][0-9]{2}){1,6}$/;
const STEP = /^([-+*])([0-9]{2})=([0-9]{3})$/;
/** @type {Record<string, string>} */
const VERBS = { "+": "add", "-": "take away", "*": "times" };
/** @type {Record<string, string>} */
const SIGNS = { "+": "+", "-": "−", "*": "×" };

/**
 * Parses a problem typed by the reader. Removes spaces, accepts other signs for minus and times, and adds missing zeros:
 * 15 + 74 × 6 becomes 015+74*06. Throws an Error that names the rule and the value for another form or totals outside 1..999.
 *
 * @param {string} written
 * @returns {Problem}
 */
export function parseProblem(written) {
  const plain = written.replace(/\s/g, "").replace(/[−–]/g, "-").replace(/[×x·]/g, "*");
  const id = plain.replace(/^\d{1,2}(?=[-+*])/, (start) => start.padStart(3, "0"))
    .replace(/([-+*])(\d)(?!\d)/g, (_, sign, operand) => `${sign}0${operand}`);
  if (!PROBLEM.test(id)) {
    throw new Error("a problem is a number of up to 3 digits and 1 to 6 operations + - * with numbers of up to 2 digits, " +
      `like 15+74+46*6, not “${written}”`);
  }
  const operations = [...id.slice(3).matchAll(/([-+*])(\d\d)/g)].map(([, sign, operand]) => ({ sign, operand }));
  const totals = [Number(id.slice(0, 3))];
  for (const { sign, operand } of operations) totals.push(apply(totals[totals.length - 1], sign, Number(operand)));
  if (!totals.every((total) => total >= 1 && total <= 999)) {
    throw new Error(`totals must stay between 1 and 999, but “${written}” goes through ${totals.join(", ")}`);
  }
  const spoken = operations.map(({ sign, operand }) => `${VERBS[sign]} ${Number(operand)}`);
  return {
    id,
    question: `${[`Start at ${totals[0]}`, ...spoken].join(", ")}.`,
    answer: String(totals[totals.length - 1]),
    right: operations.map(({ sign, operand }, i) => `${sign}${operand}=${String(totals[i + 1]).padStart(3, "0")}`),
  };
}

/**
 * @param {number} total
 * @param {string} sign
 * @param {number} operand
 */
function apply(total, sign, operand) { return sign === "+" ? total + operand : sign === "-" ? total - operand : total * operand; }

/**
 * The lines of a solution.
 *
 * @param {string} text
 */
export function stepsOf(text) {
  return text ? (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n") : [];
}

/**
 * The answer of a finished text; null unless every line is a well-formed step.
 *
 * @param {string} text
 * @returns {string | null}
 */
export function answerOf(text) {
  const matches = stepsOf(text).map((step) => STEP.exec(step));
  const last = matches[matches.length - 1];
  return last && text.endsWith("\n") && matches.every(Boolean) ? String(Number(last[3])) : null;
}

/**
 * For each step, whether the solution is right up to and including it.
 *
 * @param {Problem} problem
 * @param {string[]} steps
 */
export function checkSteps({ right }, steps) {
  let sound = true;
  return steps.map((step, i) => (sound &&= step === right[i]));
}

/**
 * Formats a step for people, given the previous step or the problem.
 *
 * @param {string} step
 * @param {string} before the previous step, or the problem
 */
export function showStep(step, before) {
  const match = STEP.exec(step);
  if (!match) return `“${step}” (not a step)`;
  const from = STEP.exec(before)?.[3] ?? (/^\d{3}/.exec(before)?.[0] ?? "?");
  return `${Number(from)} ${SIGNS[match[1]]} ${Number(match[2])} = ${Number(match[3])}`.replace("NaN", "?");
}

/**
 * The total after a step; null for a line that is not a step.
 *
 * @param {string} step
 */
export function totalOf(step) {
  const match = STEP.exec(step);
  return match && Number(match[3]);
}

/**
 * The operation of a step as a column header: ×6.
 *
 * @param {string} step
 */
export function operationOf(step) { return `${SIGNS[step[0]]}${Number(step.slice(1, 3))}`; }

/**
 * The name of a partial solution, unique in all trees of a search.
 *
 * @param {number} tree
 * @param {string[]} steps
 */
export function nameOf(tree, steps) { return [tree, ...steps].join("\n"); }
