/**
 * Tree arithmetic of RFC 9162 section 2.1 with SHA-256, as a verifier needs it.
 *
 *     leaf = SHA-256(00 || data)           node = SHA-256(01 || left || right)
 *
 * @module
 */

import { equal, sha256 } from "../encoding/bytes.js";
import { RefusedError } from "../errors.js";

const HASH_BYTES = 32;
const SIZE_MAX = 2 ** 31;
const [LEAF, NODE] = [Uint8Array.of(0), Uint8Array.of(1)];

/**
 * Return the hash of an entry.
 *
 * @param {...Uint8Array} data its parts, one after the other
 */
export function leafHash(...data) {
  return sha256(LEAF, ...data);
}

/**
 * Check that the tree of `size` leaves under `root` has `leaf` (its hash) at `index`. RFC 9162 section 2.1.3.2.
 *
 * @param {Uint8Array} leaf
 * @param {number} index
 * @param {number} size at most 2^31
 * @param {readonly Uint8Array[]} proof the sibling of the leaf first
 * @param {Uint8Array} root
 * @throws {RefusedError} it is not proved; the code says whether the numbers, the length or the hashes are wrong
 */
export async function checkInclusion(leaf, index, size, proof, root) {
  if (!(0 <= index && index < size && size <= SIZE_MAX)) {
    throw new RefusedError("no_such_leaf", `A tree of ${size} leaves has no leaf ${index}.`);
  }
  // Up to the level where the paths of this leaf and of the last one meet, siblings are on either side, as the bits of
  // the index say. Above is the ragged right edge, where only left siblings exist: one for each set bit.
  const inner = bitLength(index ^ (size - 1));
  if (proof.length !== inner + bitCount(index, inner)) {
    throw new RefusedError("proof_length", "The proof is of another length than these sizes need.");
  }
  if ([leaf, ...proof].some((one) => one.length !== HASH_BYTES)) {
    throw new RefusedError("hash_length", `Every hash of a proof must have ${HASH_BYTES} bytes.`);
  }
  let current = leaf;
  for (const [height, sibling] of proof.entries()) {
    const isRight = height >= inner || (index >>> height) & 1;
    current = await (isRight ? sha256(NODE, sibling, current) : sha256(NODE, current, sibling));
  }
  if (!equal(current, root)) {
    throw new RefusedError("inclusion_refused", "The inclusion proof leads to a different root.");
  }
}

/** @param {number} number */
function bitLength(number) {
  return 32 - Math.clz32(number);
}

/**
 * Count the set bits of a number from a place on.
 *
 * @param {number} number
 * @param {number} from
 */
function bitCount(number, from) {
  let count = 0;
  for (let at = from; at < 31; at += 1) count += (number >>> at) & 1;
  return count;
}
