// The network of the shipped verifiers: a language model with scoring layers on top
// (ttclab/verifiers/reward_model.py).
import { Llama } from "./llama.js";

const FLOOR = -8; // lower bound of log-probabilities

/**
 * State of a row after its newest token, from which reading can continue.
 *
 * @typedef {object} Reading
 * @property {import("./llama.js").Cache} cache
 * @property {boolean} written whether the problem has ended, so that later tokens belong to the solution
 * @property {Float32Array} logits of the next token, from the first layers
 * @property {number} lowest minimum, over the tokens so far, of their log-probability minus that of the likeliest token
 * @property {number} total sum of the log-probabilities so far
 * @property {number} right probability that the solution is right so far
 */

/** Scores every token of a solution to a problem without earlier attempts. */
export class RewardModel extends Llama {
  /**
   * @param {import("./llama.js").Config} config
   * @param {import("./llama.js").Tensors} tensors
   */
  constructor(config, tensors) {
    super(config, tensors);
    const { reading_layers: split, prompt_end: end } = config;
    if (split === undefined || end === undefined) throw new Error("a reward model's config needs reading_layers and prompt_end");
    this.split = split;
    this.promptEnd = end;
    this.surprise = tensors["surprise.weight"];
    this.score = tensors["score.weight"];
  }

  /** A row without tokens. @returns {Reading} */
  blank() {
    const logits = new Float32Array(this.config.vocab_size);
    return { cache: this.cache(), written: false, logits, lowest: 0, total: 0, right: 0.5 };
  }

  /**
   * Reads one more token of a row and extends its cache.
   *
   * @param {number} token
   * @param {Reading} before
   * @returns {Reading}
   */
  read(token, { cache, written, logits: predicted, lowest, total }) {
    const { hidden, width, surprise, score, normed } = this;
    let [logprob, distance] = [0, 0];
    if (written) {
      const [likeliest, norm] = normalizer(predicted);
      logprob = Math.max(predicted[token] - norm, FLOOR);
      distance = Math.max(predicted[token] - likeliest, FLOOR);
      lowest = Math.min(lowest, distance);
      total += logprob;
    }
    this.begin(token, cache);
    this.run(cache, 0, this.split);
    const logits = this.logits();
    for (let i = 0; i < width; i++) {
      hidden[i] += surprise[4 * i] * logprob + surprise[4 * i + 1] * distance + surprise[4 * i + 2] * lowest +
        (surprise[4 * i + 3] * total) / 4;
    }
    this.run(cache, this.split, this.layers.length);
    this.end(cache);
    this.normalize();
    let sum = 0;
    for (let i = 0; i < width; i++) sum += score[i] * normed[i];
    return { cache, written: written || token === this.promptEnd, logits, lowest, total, right: sigmoid(sum) };
  }
}

/**
 * The sigmoid in single precision, as in Python, so that equal scores there are also equal here and ties are broken alike.
 *
 * @param {number} logit
 */
function sigmoid(logit) { return Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-logit)))); }

/**
 * The maximum of the logits, and their log-sum-exp.
 *
 * @param {Float32Array} logits
 * @returns {[number, number]}
 */
function normalizer(logits) {
  const highest = Math.max(...logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - highest);
  return [highest, highest + Math.log(sum)];
}
