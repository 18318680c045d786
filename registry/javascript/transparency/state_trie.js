/**
 * The state map, as a verifier reads it: a sparse Merkle trie over 256-bit keys.
 *
 *     leaf  = SHA-256(02 || key32 || value32)      node = SHA-256(03 || left || right)      empty = 32 zero bytes
 *
 * Each leaf stands at the shortest prefix of its key that no other key shares. A proof, for one key, present or absent:
 *
 *     u16 depth                   big-endian, 0 to 256: number of nodes above the slot where the key's path ends
 *     bitmap                      ceil(depth / 8) bytes: which siblings are not empty, from the root downward
 *     siblings                    32 bytes for each set bit
 *     terminal                    0 bytes: an empty slot; 32: the value of the key's own leaf; 64: another leaf there
 *
 * For one root and key there is exactly one proof: any altered one is refused.
 *
 * @module
 */

import { compare, equal, sha256 } from "../encoding/bytes.js";
import { DecodeError, RefusedError } from "../errors.js";

export const DEPTH_MAX = 256;
/** The longest proof there can be, in bytes. */
export const PROOF_BYTES = 2 + DEPTH_MAX / 8 + 32 * DEPTH_MAX + 64;
const HASH = 32;
const EMPTY = new Uint8Array(HASH);
const [LEAF, NODE, STATE] = [Uint8Array.of(2), Uint8Array.of(3), Uint8Array.of(4)];

/** @typedef {{key: Uint8Array, value: Uint8Array}} Leaf */

/**
 * Return the one value that commits to all records and all accepted statements.
 *
 * @param {Uint8Array} recordsRoot
 * @param {Uint8Array} statementsRoot
 */
export function stateRoot(recordsRoot, statementsRoot) {
  return sha256(STATE, recordsRoot, statementsRoot);
}

/**
 * Return the proved value of a key under a root, or null where its absence is proved.
 *
 * @param {Uint8Array} root 32 bytes
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} proof
 * @returns {Promise<Uint8Array | null>}
 * @throws {DecodeError} the bytes are no proof
 * @throws {RefusedError} they are one, of something else
 */
export async function checkProof(root, key, proof) {
  const { siblings, terminal } = decodeProof(proof);
  /** @type {Uint8Array} */
  let current = EMPTY;
  if (terminal.length === 2 * HASH) {
    const common = commonBits(terminal, key);
    if (common < siblings.length || common === DEPTH_MAX) {
      throw new RefusedError("proof_off_path", "The leaf that is to prove absence is not on the path of this key.");
    }
    current = await sha256(LEAF, terminal);
  } else if (terminal.length) {
    current = await sha256(LEAF, key, terminal);
  }
  if (!equal(await climb(current, key, siblings), root)) {
    throw new RefusedError(
      "proof_other_root",
      "The map proof leads to another root.",
      "Fetch the proof again, together with the newest note.",
    );
  }
  return terminal.length === HASH ? terminal : null;
}

/**
 * Return the hash at the root above a subtree.
 *
 * @param {Uint8Array} current the subtree's hash
 * @param {Uint8Array} key any key beneath it
 * @param {readonly Uint8Array[]} siblings beside its path, from the root downward
 */
export async function climb(current, key, siblings) {
  for (let depth = siblings.length - 1; depth >= 0; depth -= 1) {
    const sibling = /** @type {Uint8Array} */ (siblings[depth]);
    current = await (bit(key, depth) ? sha256(NODE, sibling, current) : sha256(NODE, current, sibling));
  }
  return current;
}

/**
 * Return a proof's siblings, root downward, empty ones included, and its terminal.
 *
 * @param {Uint8Array} proof
 * @returns {{siblings: Uint8Array[], terminal: Uint8Array}}
 * @throws {DecodeError} the bytes are no proof
 */
export function decodeProof(proof) {
  const depth = ((proof[0] ?? 0) << 8) | (proof[1] ?? 0);
  const start = 2 + Math.ceil(depth / 8);
  if (proof.length < start || depth > DEPTH_MAX)
    throw wrong("A map proof begins with its depth, 0 to 256, and a bitmap.");
  const bitmap = proof.subarray(2, start);
  for (let at = depth; at < 8 * bitmap.length; at += 1) {
    if (bit(bitmap, at)) throw wrong("Bits beyond the depth are set.");
  }
  if (depth && !bit(bitmap, depth - 1)) {
    throw wrong("The last sibling is empty, so that the path should end above it.");
  }
  const siblings = [];
  let at = start;
  for (let level = 0; level < depth; level += 1) {
    if (bit(bitmap, level)) {
      const sibling = proof.slice(at, at + HASH);
      if (sibling.length === HASH && equal(sibling, EMPTY)) throw wrong("An empty sibling is sent as if it were not.");
      siblings.push(sibling);
      at += HASH;
    } else {
      siblings.push(EMPTY);
    }
  }
  const terminal = proof.slice(at);
  if (proof.length < at || ![0, HASH, 2 * HASH].includes(terminal.length)) {
    throw wrong("The length fits none of the three ends of a path.");
  }
  return { siblings, terminal };
}

/**
 * Return the hash of the subtree at `depth` that has exactly these leaves.
 *
 * @param {readonly Leaf[]} leaves sorted by key, each once, their first `depth` bits in common
 * @param {number} [depth] 0: the whole map
 * @returns {Promise<Uint8Array>}
 */
export async function subtreeHash(leaves, depth = 0) {
  const [only] = leaves;
  if (only === undefined) return EMPTY;
  if (leaves.length === 1) return sha256(LEAF, only.key, only.value);
  const middle = leaves.findIndex(({ key }) => bit(key, depth));
  const parting = middle < 0 ? leaves.length : middle;
  return sha256(
    NODE,
    await subtreeHash(leaves.slice(0, parting), depth + 1),
    await subtreeHash(leaves.slice(parting), depth + 1),
  );
}

/**
 * Return whether keys are sorted, each there once.
 *
 * @param {readonly Leaf[]} leaves
 */
export function areInOrder(leaves) {
  return leaves.every(({ key }, at) => at === 0 || compare(/** @type {Leaf} */ (leaves[at - 1]).key, key) < 0);
}

/**
 * Return which side a key takes at a node `depth` steps below the root: 0 left, 1 right.
 *
 * @param {Uint8Array} key
 * @param {number} depth
 */
export function bit(key, depth) {
  return (Number(key[depth >> 3]) >> (7 - (depth & 7))) & 1;
}

/**
 * Return the length in bits of the longest common prefix of two keys: 256 if they are equal.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
function commonBits(one, other) {
  for (let at = 0; at < DEPTH_MAX; at += 1) if (bit(one, at) !== bit(other, at)) return at;
  return DEPTH_MAX;
}

/** @param {string} message */
function wrong(message) {
  return new DecodeError("map_proof", message);
}
