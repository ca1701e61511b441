// FLOPs of a forward pass, and the bill (ttclab/flops.py and ledger.py).

/** @typedef {import("./llama.js").Config} Config */

/**
 * FLOPs of a pass over new tokens after cached ones.
 *
 * @param {Config} config
 * @param {number} tokens
 * @param {number} [cached]
 * @param {number} [logits] number of positions for which the output head is run
 */
export function forwardFlops(config, tokens, cached = 0, logits = tokens) {
  const { hidden_size: width, num_attention_heads: heads, num_key_value_heads: keyHeads, head_dim: head } = config;
  const matrices = 2 * width * head * (heads + keyHeads) + 3 * width * config.intermediate_size;
  const attention = 2 * heads * head * (cached + tokens);
  return tokens * 2 * config.num_hidden_layers * (matrices + attention) + logits * 2 * width * config.vocab_size;
}

/**
 * FLOPs of feeding tokens one by one, each with its logits.
 *
 * @param {Config} config
 * @param {number} tokens
 * @param {number} cached
 */
export function decodeFlops(config, tokens, cached) {
  let sum = 0;
  for (let i = 0; i < tokens; i++) sum += forwardFlops(config, 1, cached + i);
  return sum;
}

/**
 * FLOPs of a pass of a reward model, whose two heads run on every new token.
 *
 * @param {Config} config
 * @param {number} tokens
 * @param {number} cached
 */
export function rewardFlops(config, tokens, cached) {
  return forwardFlops(config, tokens, cached) + tokens * 2 * config.hidden_size * 5;
}

/** The bill of a strategy on one problem: counts, and FLOPs by kind. The sum excludes work saved by shared prefixes. */
export class Bill {
  generations = 0;
  revisions = 0;
  calls = 0;
  prefill = 0;
  decode = 0;
  verifier = 0;
  cached = 0;

  get flops() { return this.prefill + this.decode + this.verifier; }
}
