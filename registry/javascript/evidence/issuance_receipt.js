/**
 * Issuance receipts: by when a credential provably existed, checked without a network and without asking anybody.
 *
 *     {"v": 1, "issuer": id, "key": multibase, "salt": base64, "index": number, "path": [base64, …],
 *      "statement": base64, "proof": {…} / null}                                          JSON, a file of some 3 kB
 *
 *     const { existedBy, key } = await checkReceipt(decodeReceipt(file), credential, policy, now);
 *     const question = { ...query, existed_by: existedBy, committed_with: key };
 *
 * - *Existed by* is the earliest time by which cosignatures that are enough for the policy had been made. What the
 *   statement says of itself counts for nothing.
 * - The note may be of any age, and of any version of the fold: old is what it is to be.
 * - Whether the committing key was the issuer's, and good then, is for `decide` to say: a receipt alone says only that
 *   somebody with that key committed to it.
 *
 * @module
 */

import { hex, unbase64Strictly } from "../encoding/bytes.js";
import { decodeMultibase } from "../encoding/ed25519.js";
import { canonicalIssuer, withoutFragment } from "../encoding/identifiers.js";
import { decode as decodeJson } from "../encoding/json_text.js";
import { text } from "../encoding/rfc3339.js";
import { AccreditError, DecodeError, EnvironmentError, RefusedError } from "../errors.js";
import { checkCommit, contentOf, EXPONENT_MAX, leaf, SALT_BYTES } from "../domain/issuance.js";
import { decode as decodeStatement, verify } from "../statement.js";
import { checkInclusion } from "../transparency/merkle.js";
import { AHEAD_MAX, openState } from "../transparency/state_note.js";
import { checkProof, stateRoot } from "../transparency/state_trie.js";
import { CheckError } from "./state_check.js";
import { decodePresence } from "./statement_proof.js";

const RECEIPT_BYTES = 64 * 1024;
const KIND = "issuance.commit";
const MEMBERS = ["v", "issuer", "key", "salt", "index", "path", "statement"];
const OTHER = "Give the file that `accredit issuance commit` made for this credential.";
const SHORT = /^[A-Za-z0-9+/=]{1,64}$/;
const KEY = /^[!-~]{1,100}$/;

/** @typedef {import("../statement.js").Statement} Statement */
/** @typedef {import("../transparency/signed_note.js").VerifierKey} VerifierKey */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */

/**
 * A receipt as its holder keeps it, unverified.
 *
 * @typedef {object} IssuanceReceipt
 * @property {string} issuer whose credential it is
 * @property {string} key the committing key, as multibase
 * @property {Uint8Array} salt 32 bytes
 * @property {number} index of the leaf
 * @property {readonly Uint8Array[]} path the sibling of the leaf first
 * @property {Uint8Array} statement the commitment's bytes
 * @property {any} proof as `/v1/statements/{id}/proof` answers; null before it was fetched
 */

/**
 * The proven fact that a credential existed by a time; only `checkReceipt` makes one.
 *
 * @typedef {object} Existence
 * @property {number | bigint} existedBy seconds since 1970; a quorum held the commitment by then
 * @property {string} issuer who committed, as it says itself
 * @property {string} key its key, as multibase: the question's `committed_with`
 * @property {string} statement the commitment's id, hex
 */

/**
 * Read a receipt's file.
 *
 * @param {Uint8Array} data
 * @returns {IssuanceReceipt}
 * @throws {DecodeError} it is none
 */
export function decodeReceipt(data) {
  if (data.length > RECEIPT_BYTES) {
    throw new DecodeError("too_large", `A receipt has at most ${RECEIPT_BYTES} bytes.`, OTHER);
  }
  const value = decodeJson(data, "The receipt");
  if (typeof value !== "object" || value === null || !("salt" in value)) {
    throw new DecodeError("not_a_receipt", "This is not an issuance receipt.", OTHER);
  }
  const unknown = Object.keys(value).find((name) => ![...MEMBERS, "proof", "ext"].includes(name));
  if (unknown !== undefined) throw new DecodeError("unknown_member", `A receipt has no member ${unknown}.`, OTHER);
  const missing = MEMBERS.find((name) => !(name in value));
  if (missing !== undefined) throw new DecodeError("missing_member", `The member ${missing} is missing.`, OTHER);
  const { v, issuer, key, salt, index, path, statement, proof = null } = value;
  require(v === 1, "the version 1");
  require(typeof issuer === "string", "its issuer's id");
  if (canonicalIssuer(issuer) !== issuer) {
    throw new DecodeError("not_canonical", "The issuer's id is not in its one spelling.", OTHER);
  }
  require(typeof key === "string" && KEY.test(key), "a key");
  require(typeof salt === "string" && SHORT.test(salt), "a salt");
  require(Number.isInteger(index) && index >= 0 && index < 2 ** EXPONENT_MAX, "the place of a leaf");
  require(Array.isArray(path) && path.length <= EXPONENT_MAX && new Set(path).size === path.length, "a path");
  require(path.every((/** @type {unknown} */ one) => typeof one === "string" && SHORT.test(one)), "hashes as its path");
  require(typeof statement === "string", "a statement");
  require(proof === null || (typeof proof === "object" && !Array.isArray(proof)), "an object or null as its proof");
  const read = unbase64Strictly(salt);
  require(read.length === SALT_BYTES, `a salt of ${SALT_BYTES} bytes`);
  return { issuer, key, salt: read, index, path: path.map(unbase64Strictly), statement: unbase64Strictly(statement), proof };
}

/**
 * Check a receipt against the credential it came with.
 *
 * @param {IssuanceReceipt} receipt
 * @param {any} credential its JSON, or the payload of its JWT, as `JSON.parse` gives it
 * @param {TrustPolicy} policy
 * @param {number} now the verifier's clock, seconds since 1970
 * @returns {Promise<Existence>}
 * @throws {CheckError} it does not hold; `check` is `credential`, `issuer`, `statement`, `key`, `leaf`, `policy`,
 *     `ecosystem`, `proof`, `root`, `note`, `cosignatures`, `quorum` or `age`
 */
export async function checkReceipt(receipt, credential, policy, now) {
  const committed = await committedIn(receipt);
  let content, issuer;
  try {
    [content, issuer] = [contentOf(credential), issuerOf(credential)];
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refuted("credential", `The credential: ${error.sentence}`);
  }
  if (receipt.issuer !== committed.iss) {
    throw refuted("issuer", `The receipt names ${receipt.issuer}, but ${committed.iss} made its commitment.`);
  }
  if (issuer !== committed.iss) {
    throw refuted("issuer", `The credential is by ${issuer}, but ${committed.iss} committed to it.`);
  }
  const { root, size_exponent: exponent } = committed.body;
  try {
    await checkInclusion(await leaf(receipt.salt, content), receipt.index, 2 ** exponent, receipt.path, root);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw refuted(
      "leaf",
      "The commitment does not contain this credential.",
      "The credential or its credentialStatus was altered, or this is the receipt of another one.",
    );
  }
  const existedBy = await heldBy(receipt, committed, policy, now);
  return { existedBy, issuer, key: receipt.key, statement: hex(committed.id) };
}

/**
 * Return the id of a credential's issuer, in its one spelling: its `issuer`, or a JWT's `iss`.
 *
 * @param {any} credential
 * @returns {string}
 * @throws {DecodeError} it names none
 */
function issuerOf(credential) {
  const inner = credential.vc;
  let named = "issuer" in credential ? credential.issuer : isObject(inner) ? inner.issuer : null;
  named = isObject(named) ? named.id : named;
  named = named ?? credential.iss;
  if (typeof named !== "string") throw new DecodeError("no_issuer", "It does not name its issuer.");
  return canonicalIssuer(withoutFragment(named));
}

/**
 * Return a receipt's statement, known to be a commitment that its key signed.
 *
 * @param {IssuanceReceipt} receipt
 * @returns {Promise<Statement>}
 * @throws {CheckError} it is none; `check` is `statement` or `key`
 */
async function committedIn(receipt) {
  let statement;
  try {
    statement = await decodeStatement(receipt.statement);
    if (statement.kind !== KIND) {
      throw new DecodeError("wrong_kind", `It is a statement of the kind ${statement.kind}.`);
    }
    checkCommit(statement.body);
    if (statement.iss !== statement.sub || statement.iss !== statement.body.issuer) {
      throw new DecodeError("wrong_subject", "It does not speak about who signed it.");
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refuted("statement", `This is not a commitment: ${error.sentence}`);
  }
  try {
    await verify(statement, decodeMultibase(receipt.key));
  } catch (error) {
    if (!isFault(error)) throw error;
    throw refuted("key", `The receipt's key did not sign its commitment: ${error.sentence}`);
  }
  return statement;
}

/**
 * Return by when a quorum of the policy's signers held a receipt's commitment, seconds.
 *
 * @param {IssuanceReceipt} receipt
 * @param {Statement} committed its statement
 * @param {TrustPolicy} policy
 * @param {number} now
 * @returns {Promise<number | bigint>}
 * @throws {CheckError} as `checkReceipt`
 */
async function heldBy(receipt, committed, policy, now) {
  try {
    policy.checkUsable(now);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new CheckError("unknown", "policy", error.sentence, error.hint);
  }
  if (committed.eco !== policy.ecosystem) {
    const message = "The commitment belongs to another ecosystem than the trust policy.";
    throw new CheckError("unknown", "ecosystem", message, "Use the trust policy of that ecosystem.");
  }
  if (receipt.proof === null) {
    const message = "The receipt has no proof yet that a quorum holds the commitment.";
    throw new CheckError("unwitnessed", "proof", message, "Run accredit issuance receipts FILE --prove.");
  }
  const presence = await provedIn(receipt, committed);
  const { state, cosignatures } = await opened(presence.note, policy);
  if (state.ecosystem !== policy.ecosystem) {
    throw new CheckError("unknown", "ecosystem", "The note is of another ecosystem than the trust policy.");
  }
  if (hex(await stateRoot(presence.recordsRoot, presence.statementsRoot)) !== state.root) {
    throw refuted("root", "The roots of records and statements do not match the state note.");
  }
  /** @type {Map<VerifierKey, number | bigint>} */
  const times = new Map();
  for (const { key, time } of cosignatures) if (time !== null) times.set(key, time);
  const by = policy.signers.metBy(times);
  if (by === null) {
    const message = "Too few of the policy's signers cosigned the state that holds the commitment.";
    const hint = "Run accredit issuance receipts FILE --prove again, or use the policy of that time.";
    throw new CheckError("unwitnessed", "quorum", message, hint);
  }
  if (by > now + AHEAD_MAX) {
    const message = `A quorum cosigned at ${text(by)}, which is in the future by this machine's clock.`;
    throw new CheckError("stale", "age", message, "Check this machine's clock.");
  }
  return by;
}

/**
 * Return what a receipt's proof says, known to lead to its commitment.
 *
 * @param {IssuanceReceipt} receipt
 * @param {Statement} committed
 */
async function provedIn(receipt, committed) {
  let presence, value;
  try {
    presence = decodePresence(receipt.proof);
    value = await checkProof(presence.statementsRoot, committed.id, presence.proof);
  } catch (error) {
    if (!isFault(error)) throw error;
    throw refuted("proof", error.sentence);
  }
  if (value === null || hex(value) !== hex(committed.id)) {
    throw refuted("proof", "The proof shows that the noted state does not hold the commitment.");
  }
  return presence;
}

/**
 * @param {Uint8Array} note
 * @param {TrustPolicy} policy
 */
async function opened(note, policy) {
  try {
    return await openState(note, policy.signers.keys);
  } catch (error) {
    if (error instanceof DecodeError) throw refuted("note", `This is not a state note: ${error.sentence}`);
    if (!(error instanceof RefusedError)) throw error;
    const hint = "The note may be older than these signers: use their policy.";
    throw new CheckError(error.code === "unsigned" ? "unwitnessed" : "refuted", "cosignatures", error.sentence, hint);
  }
}

/**
 * Return whether an error is about what was given, and not about this browser or runtime.
 *
 * @param {unknown} error
 * @returns {error is AccreditError}
 */
function isFault(error) {
  return error instanceof AccreditError && !(error instanceof EnvironmentError);
}

/**
 * @param {unknown} value
 * @returns {value is any}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} check
 * @param {string} message
 * @param {string} [hint]
 */
function refuted(check, message, hint) {
  return new CheckError("refuted", check, message, hint);
}

/**
 * @param {boolean} condition
 * @param {string} expected
 */
function require(condition, expected) {
  if (!condition) throw new DecodeError("bad_member", `A receipt has ${expected}.`, OTHER);
}
