// The random streams of the Python package: numpy's Philox, keyed by the BLAKE2b hash of a stream's name. With the same seed the
// page draws the tokens that Python draws.

const MASK = (1n << 64n) - 1n;
const START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4], [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13], [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11], [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5], [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const LANES = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

/**
 * The first 16 bytes of the BLAKE2b hash (RFC 7693), as two words, the lower bytes first.
 *
 * @param {string} text
 * @param {number} [size] of the digest in bytes, on which all of its bytes depend
 * @returns {[bigint, bigint]}
 */
export function blake2b(text, size = 16) {
  const bytes = new TextEncoder().encode(text);
  const blocks = Math.max(1, Math.ceil(bytes.length / 128));
  const padded = new DataView(new ArrayBuffer(128 * blocks));
  bytes.forEach((byte, i) => padded.setUint8(i, byte));
  const hash = [...START];
  hash[0] ^= 0x01010000n ^ BigInt(size);
  for (let block = 0; block < blocks; block++) {
    const words = Array.from({ length: 16 }, (_, i) => padded.getBigUint64(128 * block + 8 * i, true));
    const isLast = block === blocks - 1;
    const v = [...hash, ...START];
    v[12] ^= BigInt(isLast ? bytes.length : 128 * (block + 1));
    if (isLast) v[14] ^= MASK;
    for (let round = 0; round < 12; round++) {
      const order = ORDER[round % 10];
      LANES.forEach(([a, b, c, d], lane) => {
        v[a] = (v[a] + v[b] + words[order[2 * lane]]) & MASK;
        v[d] = turn(v[d] ^ v[a], 32n);
        v[c] = (v[c] + v[d]) & MASK;
        v[b] = turn(v[b] ^ v[c], 24n);
        v[a] = (v[a] + v[b] + words[order[2 * lane + 1]]) & MASK;
        v[d] = turn(v[d] ^ v[a], 16n);
        v[c] = (v[c] + v[d]) & MASK;
        v[b] = turn(v[b] ^ v[c], 63n);
      });
    }
    for (let i = 0; i < 8; i++) hash[i] ^= v[i] ^ v[i + 8];
  }
  return [hash[0], hash[1]];
}

/**
 * @param {bigint} word
 * @param {bigint} right
 */
function turn(word, right) { return (word >> right) | ((word << (64n - right)) & MASK); }

/** @param {bigint} word returned with reversed bytes */
function reversed(word) {
  let other = 0n;
  for (let i = 0; i < 8; i++) other = (other << 8n) | ((word >> BigInt(8 * i)) & 255n);
  return other;
}

/** Uniform numbers in [0, 1) that depend only on a name, equal to those of `random_stream` in Python. */
export class RandomStream {
  /** @param {string} name */
  constructor(name) {
    const [low, high] = blake2b(name);
    this.key = [reversed(high), reversed(low)]; // the digest is a big-endian number
    this.block = -1;
    /** @type {number[]} */
    this.numbers = [];
  }

  /**
   * The number at an index of the stream. A block of Philox has eight numbers.
   *
   * @param {number} place
   */
  at(place) {
    const block = Math.floor(place / 8);
    if (block !== this.block) {
      this.block = block;
      this.numbers = philox(BigInt(block + 1), this.key).flatMap((word) =>
        [word & 0xffffffffn, word >> 32n].map((half) => Number(half >> 8n) / 16777216));
    }
    return this.numbers[place % 8];
  }
}

/**
 * A block of Philox 4x64 with ten rounds (Salmon et al. 2011): four words.
 *
 * @param {bigint} counter
 * @param {bigint[]} key
 */
export function philox(counter, [first, second]) {
  let [a, b, c, d] = [counter, 0n, 0n, 0n];
  for (let round = 0; round < 10; round++) {
    const left = a * 0xd2e7470ee14c6c93n;
    const right = c * 0xca5a826395121157n;
    [a, b, c, d] = [(right >> 64n) ^ b ^ first, right & MASK, (left >> 64n) ^ d ^ second, left & MASK];
    first = (first + 0x9e3779b97f4a7c15n) & MASK;
    second = (second + 0xbb67ae8584caa73bn) & MASK;
  }
  return [a, b, c, d];
}
