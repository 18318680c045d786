/**
 * Checks evidence: an answer with its proof, so that the verifier need not trust the node that answers.
 *
 *     evidence = {
 *       "v": 1, "asked": "authorization" / "recognition",
 *       "query": {...}, "answer": {...},               the question; the decision without its sentences
 *       "records_root": bstr32, "statements_root": bstr32,
 *       "records": [[type, id, record bstr / null, proof bstr], ...]      sorted, each once
 *       "note": bstr                                   the state note, cosigned; empty while the node has none
 *     }
 *
 * in deterministic CBOR. `check` needs no network, in this order: `form`, `question`, `authority`; `policy`, `note`,
 * `cosignatures`, `ecosystem`, `fold`, `quorum`, `age`, `count` (the noted state stands); `root`; `proof`, `record`;
 * `time`; `missing_record`, `surplus_record`; `decision` (the same `decide` comes to the same answer).
 *
 * @module
 */

import { compareText, equal } from "../encoding/bytes.js";
import { decode, encode } from "../encoding/cbor.js";
import { text } from "../encoding/rfc3339.js";
import { checkQuery, encodeQuery } from "../decision/query.js";
import { summary } from "../decision/verdict.js";
import { DecodeError } from "../errors.js";
import { NOTE_BYTES_MAX } from "../transparency/signed_note.js";
import { AHEAD_MAX } from "../transparency/state_note.js";
import { stateRoot } from "../transparency/state_trie.js";
import { hex } from "../encoding/bytes.js";
import { AUTHORIZATION, checkAuthority, decideOver, RECOGNITION } from "./deciding.js";
import { provenRecord, ProvenRecords } from "./proved_records.js";
import { CheckError, readNote } from "./state_check.js";

/** One answer's evidence, bytes. */
export const EVIDENCE_BYTES = 16 * 1024 * 1024;
const RECORDS_MAX = 20_000;
const MEMBERS = ["v", "asked", "query", "answer", "records_root", "statements_root", "records", "note"];

/** @typedef {import("../decision/query.js").Query} Query */
/** @typedef {import("../decision/verdict.js").Decision} Decision */
/** @typedef {import("../transparency/state_note.js").StateNote} StateNote */
/** @typedef {import("../transparency/signed_note.js").VerifierKey} VerifierKey */
/** @typedef {import("./proved_records.js").ProvenRecord} ProvenRecord */
/** @typedef {import("./state_check.js").CheckResult} CheckResult */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */

/**
 * An evidence file, unverified.
 *
 * @typedef {object} Evidence
 * @property {string} asked
 * @property {Query} query
 * @property {{[member: string]: unknown}} answer
 * @property {Uint8Array} recordsRoot
 * @property {Uint8Array} statementsRoot
 * @property {ProvenRecord[]} records
 * @property {Uint8Array} note
 */

/**
 * The outcome of a check.
 *
 * @typedef {object} Checked
 * @property {CheckResult} result `verified` alone is one to act on
 * @property {string} check which check gave the result; empty if verified
 * @property {string} text a sentence for people, and what to do
 * @property {Decision | null} decision the answer, made anew from the proved records; null unless verified
 * @property {StateNote | null} state the noted state, to be remembered (`TrustPolicy.remember`); null unless verified
 * @property {number | bigint | null} since seconds; the age of the answer is counted from here
 * @property {readonly VerifierKey[]} signers whose cosignatures count
 */

/**
 * Check an evidence file. Throws nothing for the bytes' sake, whatever they are; an `EnvironmentError` where nothing
 * can be checked, and a `DecodeError` where `query` is not a question.
 *
 * @param {Uint8Array} data
 * @param {Query | null} query what was asked; null to take the question from the file, which is then to be shown to
 *     somebody
 * @param {TrustPolicy} policy
 * @param {number} now the verifier's clock, seconds since 1970
 * @param {{asked?: string}} [options] which of the two questions; ignored if `query` is null
 * @returns {Promise<Checked>}
 */
export async function check(data, query, policy, now, { asked = AUTHORIZATION } = {}) {
  const wanted = query === null ? null : encode({ query: encodeQuery(query), asked });
  try {
    return await checked(decodeEvidence(data), wanted, policy, now);
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    const { result, check: name, message } = error;
    return { result, check: name, text: message, decision: null, state: null, since: null, signers: [] };
  }
}

/**
 * Return what an evidence file holds, unverified.
 *
 * @param {Uint8Array} data
 * @returns {Evidence}
 * @throws {CheckError} `form`: it is not well-formed
 */
export function decodeEvidence(data) {
  try {
    const value = decode(data, { what: "the evidence", maxBytes: EVIDENCE_BYTES });
    requireForm(value);
    const records = value.records.map(provenRecord);
    const isSorted = records.every(
      (/** @type {ProvenRecord} */ one, /** @type {number} */ at) => at === 0 || inOrder(records[at - 1], one),
    );
    if (!isSorted) throw new DecodeError("not_in_order", "expected records sorted by type and id, each once.");
    return {
      asked: value.asked,
      query: checkQuery(value.query),
      answer: value.answer,
      recordsRoot: value.records_root,
      statementsRoot: value.statements_root,
      records,
      note: value.note,
    };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CheckError("refuted", "form", `This is no evidence file: ${error.sentence}`);
  }
}

/** @param {any} value */
function requireForm(value) {
  const isBytes = (/** @type {unknown} */ one, /** @type {number} */ least, /** @type {number} */ most) =>
    one instanceof Uint8Array && one.length >= least && one.length <= most;
  const isOf =
    isPlainMap(value) &&
    Object.keys(value).length === MEMBERS.length &&
    MEMBERS.every((name) => name in value) &&
    value.v === 1 &&
    (value.asked === AUTHORIZATION || value.asked === RECOGNITION) &&
    isPlainMap(value.query) &&
    isPlainMap(value.answer) &&
    isBytes(value.records_root, 32, 32) &&
    isBytes(value.statements_root, 32, 32) &&
    Array.isArray(value.records) &&
    value.records.length <= RECORDS_MAX &&
    isBytes(value.note, 0, NOTE_BYTES_MAX);
  if (!isOf) throw new DecodeError("bad_member", `expected a map of exactly ${MEMBERS.join(", ")}.`);
}

/** @param {unknown} value */
function isPlainMap(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Uint8Array)
  );
}

/**
 * @param {ProvenRecord} one
 * @param {ProvenRecord} after
 */
function inOrder(one, after) {
  return (compareText(one.type, after.type) || compareText(one.id, after.id)) < 0;
}

/**
 * @param {Evidence} evidence
 * @param {Uint8Array | null} wanted
 * @param {TrustPolicy} policy
 * @param {number} now
 * @returns {Promise<Checked>}
 */
async function checked(evidence, wanted, policy, now) {
  const { asked, query, answer, recordsRoot, statementsRoot } = evidence;
  if (wanted !== null && !equal(wanted, encode({ query: encodeQuery(query), asked }))) {
    throw new CheckError("refuted", "question", "It answers another question than was asked.");
  }
  checkAuthority(query, policy);
  const noted = await readNote(evidence.note, policy, now);
  if (hex(await stateRoot(recordsRoot, statementsRoot)) !== noted.state.root) {
    throw new CheckError("refuted", "root", "The roots of records and statements are not those of the note.");
  }
  const records = await ProvenRecords.open(recordsRoot, evidence.records);
  const time = timeOf(answer, policy, now);
  const decision = decideOver(query, records, time, policy.charter, asked);
  records.checkAllRead();
  compareAnswers(answer, summary(decision));
  if (decision.valid_until !== null && decision.valid_until <= now) {
    throw new CheckError("stale", "time", `The answer was good until ${text(decision.valid_until)}.`, "Ask again.");
  }
  const vouching = noted.signers.length === 1 ? "1 signer vouches" : `${noted.signers.length} signers vouch`;
  const statements = noted.state.count === 1 ? "1 statement" : `${noted.state.count} statements`;
  return {
    result: "verified",
    check: "",
    text: `Verified: ${vouching} for a state of ${statements}.`,
    decision,
    state: noted.state,
    since: noted.since,
    signers: noted.signers,
  };
}

/**
 * Return when the answer was made, by the answerer's clock, within what the policy allows.
 *
 * @param {{[member: string]: unknown}} answer
 * @param {TrustPolicy} policy
 * @param {number} now
 */
function timeOf(answer, policy, now) {
  const time = answer.time_evaluated;
  if (typeof time !== "number" && typeof time !== "bigint") {
    throw new CheckError("refuted", "decision", "The answer does not say when it was made.");
  }
  if (!(now - policy.maxAge <= time && time <= now + AHEAD_MAX)) {
    const message = `The answer was made as of ${text(time)}.`;
    throw new CheckError("stale", "time", message, "Ask again, and compare this machine's clock.");
  }
  return Number(time);
}

/**
 * @param {{[member: string]: unknown}} given
 * @param {{[member: string]: unknown}} found
 */
function compareAnswers(given, found) {
  const names = [...new Set([...Object.keys(given), ...Object.keys(found)])].sort();
  const differing = names.filter(
    (name) => !(name in given && name in found && equal(encode(given[name]), encode(found[name]))),
  );
  if (differing.length) {
    const message = `The proved records lead to another answer, in: ${differing.join(", ").slice(0, 200)}.`;
    throw new CheckError(
      "refuted",
      "decision",
      message,
      "Keep this file: whoever made it is lying, or runs another version.",
    );
  }
}
