/**
 * Issuance commitments: what an issuer's statement `issuance.commit` says, and the leaf of a credential in its tree.
 *
 *     leaf = SHA-256(00 || salt, 32 bytes || content)        content: `contentOf(credential)`
 *
 * @module
 */

import * as jcs from "../encoding/jcs.js";
import { canonicalIssuer } from "../encoding/identifiers.js";
import { TIME_MAX, TIME_MIN } from "../encoding/rfc3339.js";
import { DecodeError } from "../errors.js";
import { leafHash } from "../transparency/merkle.js";

export const SALT_BYTES = 32;
export const EXPONENT_MIN = 10;
export const EXPONENT_MAX = 20;
const ALGORITHM = "sha256-salted-jcs";
const MEMBERS = ["algorithm", "issuer", "period_from", "period_until", "root", "size_exponent"];

/** Members that may change while a credential stays the same: signatures are renewed. */
const UNCOMMITTED = ["proof", "proofs"];

/**
 * Check the shape of the body of `issuance.commit`.
 *
 * @param {any} body
 * @throws {DecodeError} it is another
 */
export function checkCommit(body) {
  const names = Object.keys(body).filter((name) => name !== "ext");
  require(names.sort().join() === MEMBERS.join(), `the members ${MEMBERS.join(", ")}`);
  require(typeof body.issuer === "string" && canonicalIssuer(body.issuer) === body.issuer, "an issuer's id");
  const times = [body.period_from, body.period_until];
  require(times.every((one) => Number.isSafeInteger(one) && one >= TIME_MIN && one <= TIME_MAX), "two times");
  require(body.period_from < body.period_until, "a period that ends after it begins");
  require(body.root instanceof Uint8Array && body.root.length === 32, "a root of 32 bytes");
  const exponent = body.size_exponent;
  require(Number.isInteger(exponent) && exponent >= EXPONENT_MIN && exponent <= EXPONENT_MAX, "a tree of 2^10 to 2^20");
  require(body.algorithm === ALGORITHM, `the algorithm ${ALGORITHM}`);
}

/**
 * Return the content of a credential that a commitment covers: its JSON without signatures, in one spelling.
 *
 * @param {unknown} credential as `JSON.parse` gives it; of a JWT its payload
 * @returns {Uint8Array}
 * @throws {DecodeError} it is not a JSON object, or has no canonical spelling
 */
export function contentOf(credential) {
  if (!isObject(credential)) throw new DecodeError("not_a_credential", "Expected a credential: a JSON object.");
  const kept = bare(credential);
  if (isObject(kept.vc)) kept.vc = bare(kept.vc);
  return jcs.encode(kept);
}

/**
 * Return the hash of a credential's leaf.
 *
 * @param {Uint8Array} salt 32 bytes
 * @param {Uint8Array} content
 */
export function leaf(salt, content) {
  return leafHash(salt, content);
}

/** @param {Record<string, unknown>} document */
function bare(document) {
  const kept = Object.entries(document).filter(([name]) => !UNCOMMITTED.includes(name));
  return /** @type {Record<string, unknown>} */ (Object.fromEntries(kept));
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {boolean} condition
 * @param {string} expected
 */
function require(condition, expected) {
  if (!condition) throw new DecodeError("bad_member", `A commitment has ${expected}.`);
}
