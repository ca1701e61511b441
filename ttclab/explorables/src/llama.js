// The forward pass of a Llama model, token by token: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

/**
 * @typedef {object} Config configuration of a shipped model, as in transformers
 * @property {number} hidden_size
 * @property {number} intermediate_size
 * @property {number} num_hidden_layers
 * @property {number} num_attention_heads
 * @property {number} num_key_value_heads
 * @property {number} head_dim
 * @property {number} rms_norm_eps
 * @property {{ rope_theta: number, rope_type: string }} rope_parameters
 * @property {number} vocab_size
 * @property {number} eos_token_id
 * @property {string} hidden_act
 * @property {boolean} attention_bias
 * @property {boolean} mlp_bias
 * @property {boolean} tie_word_embeddings
 * @property {number} [reading_layers] of a reward model
 * @property {number} [prompt_end]
 *
 * @typedef {Record<string, Float32Array>} Tensors
 */

/**
 * The tensors of a safetensors file, which consists of the length of the header, the header in JSON, and the numbers.
 *
 * @param {ArrayBuffer} file
 * @returns {Tensors}
 */
export function readSafetensors(file) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  /** @type {Record<string, { dtype: string, data_offsets: [number, number] }>} */
  const { __metadata__, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  /** @type {Tensors} */
  const tensors = {};
  for (const [name, { dtype, data_offsets: [start, end] }] of Object.entries(header)) {
    if (dtype !== "F32") throw new Error(`weights must be F32, and ${name} is ${dtype}`);
    tensors[name] = new Float32Array(file.slice(8 + length + start, 8 + length + end));
  }
  return tensors;
}

/** KV cache of a row. A fork shares the keys and values of the tokens before it. */
export class Cache {
  /**
   * @param {number} layers
   * @param {number} width total width of the keys of all heads
   * @param {[Block, number][]} shared blocks of other rows, with the number of tokens used of each
   */
  constructor(layers, width, shared = []) {
    this.layers = layers;
    this.width = width;
    this.own = new Block(layers, width);
    this.shared = shared;
    this.sharedLength = shared.reduce((sum, [, count]) => sum + count, 0);
  }

  get length() { return this.sharedLength + this.own.length; }

  /**
   * The cache of a new row that continues after the first tokens of this row.
   *
   * @param {number} length
   */
  fork(length = this.length) {
    /** @type {[Block, number][]} */
    const shared = [];
    let left = length;
    for (const [block, count] of [...this.shared, /** @type {[Block, number]} */ ([this.own, this.own.length])]) {
      if (left > 0 && count > 0) shared.push([block, Math.min(left, count)]);
      left -= count;
    }
    return new Cache(this.layers, this.width, shared);
  }
}

/** Keys and values of some tokens in a row, layer by layer. */
class Block {
  /**
   * @param {number} layers
   * @param {number} width
   */
  constructor(layers, width) {
    this.width = width;
    this.length = 0;
    this.keys = Array.from({ length: layers }, () => new Float64Array(8 * width));
    this.values = Array.from({ length: layers }, () => new Float64Array(8 * width));
  }

  /** Room for one more token. */
  grow() {
    if ((this.length + 1) * this.width <= this.keys[0].length) return;
    const longer = (/** @type {Float64Array} */ old) => {
      const grown = new Float64Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.keys = this.keys.map(longer);
    this.values = this.values.map(longer);
  }
}

/** A Llama model that predicts tokens. Its subclass in reward_model.js scores them. */
export class Llama {
  /**
   * @param {Config} config
   * @param {Tensors} tensors
   */
  constructor(config, tensors) {
    const { hidden_act: act, attention_bias: bias, mlp_bias: mlpBias, rope_parameters: rope, tie_word_embeddings: tied } = config;
    if (act !== "silu" || bias || mlpBias || rope.rope_type !== "default" || !tied) {
      throw new Error("a Llama model with SiLU, plain rotary positions, tied embeddings and without biases is needed, " +
        `not ${JSON.stringify({ act, bias, mlpBias, rope: rope.rope_type, tied })}`);
    }
    this.config = config;
    this.width = config.hidden_size;
    this.inner = config.intermediate_size;
    this.heads = config.num_attention_heads;
    this.head = config.head_dim;
    this.keyHeads = config.num_key_value_heads;
    this.embeddings = tensors["model.embed_tokens.weight"];
    this.norm = tensors["model.norm.weight"];
    this.layers = Array.from({ length: config.num_hidden_layers }, (_, i) => {
      const of = (/** @type {string} */ name) => tensors[`model.layers.${i}.${name}.weight`];
      return {
        before: of("input_layernorm"), query: of("self_attn.q_proj"), key: of("self_attn.k_proj"), value: of("self_attn.v_proj"),
        out: of("self_attn.o_proj"), after: of("post_attention_layernorm"), gate: of("mlp.gate_proj"), up: of("mlp.up_proj"),
        down: of("mlp.down_proj"),
      };
    });
    // Buffers for the activations of one token.
    this.hidden = new Float64Array(this.width);
    this.normed = new Float64Array(this.width);
    this.query = new Float64Array(this.heads * this.head);
    this.mixed = new Float64Array(this.heads * this.head);
    this.gated = new Float64Array(this.inner);
    this.raised = new Float64Array(this.inner);
    /** @type {Float64Array} */
    this.scores = new Float64Array(64);
    /** @type {Float64Array[]} by position: cosine and sine for each pair of dimensions */
    this.turns = [];
  }

  /** An empty row. */
  cache() { return new Cache(this.layers.length, this.keyHeads * this.head); }

  /**
   * Writes a token's embedding to the hidden state, from which `run` continues.
   *
   * @param {number} token
   * @param {Cache} cache
   */
  begin(token, cache) {
    this.hidden.set(this.embeddings.subarray(token * this.width, (token + 1) * this.width));
    cache.own.grow();
    if (cache.length >= this.scores.length) this.scores = new Float64Array(2 * this.scores.length);
  }

  /**
   * Runs the token through layers `first` to `last` - 1. After the last layer, `end` adds the token to the cache.
   *
   * @param {Cache} cache
   * @param {number} first
   * @param {number} last
   */
  run(cache, first, last) {
    const { hidden, normed, width, inner, gated, raised } = this;
    for (let layer = first; layer < last; layer++) {
      const weights = this.layers[layer];
      rmsNorm(normed, hidden, weights.before, this.config.rms_norm_eps);
      this.attend(cache, layer);
      addProduct(hidden, weights.out, this.mixed);
      rmsNorm(normed, hidden, weights.after, this.config.rms_norm_eps);
      product(gated, 0, weights.gate, normed, inner, width);
      product(raised, 0, weights.up, normed, inner, width);
      for (let i = 0; i < inner; i++) gated[i] = (gated[i] / (1 + Math.exp(-gated[i]))) * raised[i];
      addProduct(hidden, weights.down, gated);
    }
  }

  /** @param {Cache} cache its newest token must have passed all layers */
  end(cache) { cache.own.length += 1; }

  /** Applies the final norm to the hidden state; the result is in `normed`. */
  normalize() { rmsNorm(this.normed, this.hidden, this.norm, this.config.rms_norm_eps); }

  /**
   * Logits of the next token from the current hidden state.
   *
   * @returns {Float32Array}
   */
  logits() {
    const { normed, embeddings, width, config: { vocab_size: size } } = this;
    this.normalize();
    const logits = new Float32Array(size);
    product(logits, 0, embeddings, normed, size, width);
    return logits;
  }

  /**
   * Reads one token of a row.
   *
   * @param {number} token
   * @param {Cache} cache
   * @returns {Float32Array} logits of the next token
   */
  feed(token, cache) {
    this.begin(token, cache);
    this.run(cache, 0, this.layers.length);
    this.end(cache);
    return this.logits();
  }

  /**
   * Attention of the newest token over its row; the result is in `mixed`.
   *
   * @param {Cache} cache
   * @param {number} layer
   */
  attend(cache, layer) {
    const { normed, width, heads, head, keyHeads, query, mixed, scores } = this;
    const weights = this.layers[layer];
    const { own, shared } = cache;
    const wide = keyHeads * head;
    const place = own.length * wide;
    product(query, 0, weights.query, normed, heads * head, width);
    product(own.keys[layer], place, weights.key, normed, wide, width);
    product(own.values[layer], place, weights.value, normed, wide, width);
    this.rotate(query, 0, heads, cache.length);
    this.rotate(own.keys[layer], place, keyHeads, cache.length);
    const blocks = [...shared, /** @type {[Block, number]} */ ([own, own.length + 1])];
    const scale = 1 / Math.sqrt(head);
    mixed.fill(0);
    for (let h = 0; h < heads; h++) {
      const column = Math.floor((h * keyHeads) / heads) * head; // query heads share the keys of their group
      let highest = -Infinity;
      let n = 0;
      for (const [block, count] of blocks) {
        const keys = block.keys[layer];
        for (let token = 0; token < count; token++) {
          let dot = 0;
          for (let i = 0, j = token * wide + column; i < head; i++, j++) dot += query[h * head + i] * keys[j];
          scores[n] = dot * scale;
          if (scores[n] > highest) highest = scores[n];
          n++;
        }
      }
      let total = 0;
      for (let i = 0; i < n; i++) total += scores[i] = Math.exp(scores[i] - highest);
      n = 0;
      for (const [block, count] of blocks) {
        const values = block.values[layer];
        for (let token = 0; token < count; token++, n++) {
          const share = scores[n] / total;
          for (let i = 0, j = token * wide + column; i < head; i++, j++) mixed[h * head + i] += share * values[j];
        }
      }
    }
  }

  /**
   * Rotary positions (Su et al. 2021), in place, for vectors of `heads` heads that begin at `start`.
   *
   * @param {Float32Array | Float64Array} vectors
   * @param {number} start
   * @param {number} heads
   * @param {number} position
   */
  rotate(vectors, start, heads, position) {
    const half = this.head / 2;
    const turn = this.turns[position] ??= turnOf(position, half, this.config.rope_parameters.rope_theta);
    for (let i = 0; i < half; i++) {
      const cos = turn[2 * i];
      const sin = turn[2 * i + 1];
      for (let h = 0, j = start + i; h < heads; h++, j += this.head) {
        const left = vectors[j];
        const right = vectors[j + half];
        vectors[j] = left * cos - right * sin;
        vectors[j + half] = right * cos + left * sin;
      }
    }
  }
}

/**
 * Cosines and sines of the angles at a position, in single precision as in Python. Angles in higher precision would change the
 * logits of these models by 0.0003.
 *
 * @param {number} position
 * @param {number} half half the head size
 * @param {number} theta
 */
function turnOf(position, half, theta) {
  const angles = Array.from({ length: half }, (_, i) => Math.fround(position * Math.fround(1 / Math.fround(theta ** (i / half)))));
  return Float64Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)].map(Math.fround)));
}

/**
 * @param {Float32Array | Float64Array} out
 * @param {Float32Array | Float64Array} input
 * @param {Float32Array} weight
 * @param {number} epsilon
 */
function rmsNorm(out, input, weight, epsilon) {
  let squares = 0;
  for (let i = 0; i < input.length; i++) squares += input[i] * input[i];
  const scale = 1 / Math.sqrt(squares / input.length + epsilon);
  for (let i = 0; i < input.length; i++) out[i] = input[i] * scale * weight[i];
}

/**
 * Matrix-vector product: out[start + row] = matrix[row] · vector.
 *
 * @param {Float32Array | Float64Array} out
 * @param {number} start
 * @param {Float32Array} matrix (rows, columns)
 * @param {Float32Array | Float64Array} vector
 * @param {number} rows
 * @param {number} columns
 */
function product(out, start, matrix, vector, rows, columns) {
  for (let row = 0, i = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++, i++) sum += matrix[i] * vector[column];
    out[start + row] = sum;
  }
}

/**
 * @param {Float32Array | Float64Array} out the product is added to it
 * @param {Float32Array} matrix
 * @param {Float32Array | Float64Array} vector
 */
function addProduct(out, matrix, vector) {
  const columns = vector.length;
  for (let row = 0, i = 0; row < out.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++, i++) sum += matrix[i] * vector[column];
    out[row] += sum;
  }
}
