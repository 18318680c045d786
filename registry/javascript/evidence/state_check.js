/**
 * Checks whether a state stands: a state note under a verifier's trust policy, with a word for every way to fail.
 *
 * - `verified`: everything holds;
 * - `refuted`: something contradicts itself or what was verified before;
 * - `unwitnessed`: too few of the policy's signers vouch for it, at any age;
 * - `stale`: enough of them did, too long ago, or for less than was verified before;
 * - `unknown`: this verifier cannot tell: its policy has expired, or is about another ecosystem or other rules.
 *
 * @module
 */

import { text } from "../encoding/rfc3339.js";
import { DecodeError, RefusedError } from "../errors.js";
import { AHEAD_MAX, openState } from "../transparency/state_note.js";

/** The version of the rules by which statements become the records that this kit reads. */
export const FOLD_VERSION = 3;

/** @typedef {"verified" | "refuted" | "unwitnessed" | "stale" | "unknown"} CheckResult */
/** @typedef {import("../transparency/signed_note.js").VerifierKey} VerifierKey */
/** @typedef {import("../transparency/state_note.js").StateNote} StateNote */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */

/** A check that did not pass. */
export class CheckError extends RefusedError {
  /**
   * @param {Exclude<CheckResult, "verified">} result
   * @param {string} check stable word naming the check; also the error's code
   * @param {string} message
   * @param {string} [hint]
   */
  constructor(result, check, message, hint = "") {
    super(check, message, hint);
    /** @readonly */
    this.result = result;
    /** @readonly */
    this.check = check;
  }
}

/**
 * A state that a quorum of the policy's signers vouches for: only `readNote` makes one.
 *
 * @typedef {object} NotedState
 * @property {StateNote} state what they cosigned
 * @property {number | bigint} since seconds since 1970; a quorum of the cosignatures was made then or later
 * @property {readonly VerifierKey[]} signers the keys whose cosignatures count
 */

/**
 * Check a state note: cosignatures, age, ecosystem, and that it does not fall behind what was verified before.
 *
 * @param {Uint8Array} note
 * @param {TrustPolicy} policy
 * @param {number} now the verifier's clock, seconds since 1970
 * @param {number} [maxAge] of a cosignature, seconds, in place of the policy's
 * @returns {Promise<NotedState>}
 * @throws {CheckError} it does not stand
 */
export async function readNote(note, policy, now, maxAge = policy.maxAge) {
  const { state, cosignatures } = await open(note, policy, now);
  /** @type {Map<VerifierKey, number | bigint>} */
  const all = new Map();
  for (const { key, time } of cosignatures) if (time !== null) all.set(key, time);
  const fresh = new Map([...all].filter(([, time]) => now - maxAge <= time && time <= now + AHEAD_MAX));
  const since = policy.signers.metSince(fresh);
  if (since === null) throw tooFew(all, policy, now);
  try {
    policy.remember(state);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new CheckError(error.code === "count_lower" ? "stale" : "refuted", "count", error.sentence, error.hint);
  }
  return { state, since, signers: [...fresh.keys()] };
}

/**
 * @param {Uint8Array} note
 * @param {TrustPolicy} policy
 * @param {number} now
 */
async function open(note, policy, now) {
  try {
    policy.checkUsable(now);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new CheckError("unknown", "policy", error.sentence, error.hint);
  }
  if (note.length === 0) {
    throw new CheckError("unwitnessed", "note", "There is no state note: this is one node's own word.");
  }
  let opened;
  try {
    opened = await openState(note, policy.signers.keys);
  } catch (error) {
    if (error instanceof DecodeError)
      throw new CheckError("refuted", "note", `This is not a state note: ${error.sentence}`);
    if (!(error instanceof RefusedError)) throw error;
    throw new CheckError(
      error.code === "unsigned" ? "unwitnessed" : "refuted",
      "cosignatures",
      error.sentence,
      error.hint,
    );
  }
  const { state } = opened;
  if (state.ecosystem !== policy.ecosystem) {
    const message = `The state is of the ecosystem ${state.ecosystem}, the policy is not.`;
    throw new CheckError("unknown", "ecosystem", message, "Use the policy of that ecosystem.");
  }
  if (state.fold !== FOLD_VERSION) {
    const message = `The records are made by fold ${state.fold}; this program knows fold ${FOLD_VERSION}.`;
    throw new CheckError("unknown", "fold", message, "Update it.");
  }
  return opened;
}

/**
 * Why the fresh cosignatures are not enough: there never were enough, or they are too old, or too far ahead.
 *
 * @param {ReadonlyMap<VerifierKey, number | bigint>} times
 * @param {TrustPolicy} policy
 * @param {number} now
 */
function tooFew(times, policy, now) {
  const since = policy.signers.metSince(times);
  if (since === null) {
    const names = [...times.keys()]
      .map((key) => key.name)
      .sort()
      .join(", ");
    const message = `Too few of the policy's signers cosigned this state: ${names}.`;
    return new CheckError("unwitnessed", "quorum", message, "Fetch a note with more cosignatures.");
  }
  if (since > now + AHEAD_MAX) {
    const message = `The signers' clocks are ahead: a quorum cosigned at ${text(since)}.`;
    return new CheckError("stale", "age", message, "Compare this machine's clock with another one.");
  }
  const message = `A quorum of the policy's signers last vouched for this state at ${text(since)}.`;
  return new CheckError("stale", "age", message, "Fetch it again: the note should be a minute old at most.");
}
