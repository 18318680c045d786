/**
 * The answer to a query: verdicts, reasons, and how several findings become one decision.
 *
 * A *finding* is the answer as far as one accreditation (or one mandate of an authority) goes. The best finding
 * decides.
 *
 * @module
 */

import { compareText, unhex } from "../encoding/bytes.js";

/** @typedef {import("./query.js").Query} Query */
/**
 * The grade of an answer.
 *
 * @typedef {"trusted" | "trusted_with_advisory" | "trusted_historical" | "indeterminate" | "suspended" | "not_trusted"
 *   | "unknown_issuer" | "stale_view"} Verdict
 */
/** @typedef {{code: string, text: string}} Reason why: a stable word and a plain sentence */
/** @typedef {{accreditation: string, verdict: Verdict, code: string}} Other what did not decide, and why */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/**
 * The result for one accreditation, or one mandate.
 *
 * @typedef {object} Finding
 * @property {Verdict} verdict
 * @property {readonly Reason[]} reasons
 * @property {string | null} id of the accreditation; null for a mandate or a recognition
 * @property {string | null} issuer that the accreditation is of; null likewise
 * @property {readonly string[]} statements
 * @property {Chain} chain
 * @property {readonly string[]} unchecked
 * @property {readonly number[]} dates those after now at which it may change, seconds
 * @property {number} [away] seconds from the time asked about to the nearest at which it stood; 0 where it stood then
 */
/**
 * The answer to one query. Ids are in hexadecimal, times in seconds since 1970.
 *
 * @typedef {object} Decision
 * @property {Verdict} verdict
 * @property {readonly Reason[]} reasons
 * @property {number} time_evaluated the answerer's clock
 * @property {number | null} time_requested as asked; null for now
 * @property {readonly string[]} accreditations ids it rests on
 * @property {readonly Other[]} others accreditations that were looked at besides
 * @property {readonly string[]} statements ids of the statements it rests on
 * @property {readonly (readonly [string, string | null])[]} chain the authorities that answer for it, up to the
 *     charter's
 * @property {readonly string[]} unchecked what was not asked or could not be checked
 * @property {number | null} valid_until the next known date at which the answer may change
 * @property {string | null} issuer the id under which the entity is registered, where it was found
 * @property {string | null} issuer_name
 */

/** @type {readonly Verdict[]} from best to worst */
const VERDICTS = [
  "trusted",
  "trusted_with_advisory",
  "trusted_historical",
  "indeterminate",
  "suspended",
  "not_trusted",
  "unknown_issuer",
  "stale_view",
];

/**
 * Return whether a decision is a yes.
 *
 * @param {{verdict: Verdict}} decision
 * @returns {boolean}
 */
export function isAuthorized({ verdict }) {
  return VERDICTS.indexOf(verdict) < 3;
}

/**
 * Return the decision that gives one reason and rests on nothing.
 *
 * @param {Query} query
 * @param {number} now
 * @param {Verdict} verdict
 * @param {string} code
 * @param {string} text
 * @returns {Decision}
 */
export function open(query, now, verdict, code, text) {
  return {
    verdict,
    reasons: [{ code, text }],
    time_evaluated: now,
    time_requested: query.time ?? null,
    accreditations: [],
    others: [],
    statements: [],
    chain: [],
    unchecked: [],
    valid_until: null,
    issuer: null,
    issuer_name: null,
  };
}

/**
 * Sort the best finding first; among equals the one that stood nearest in time, then the one with the fewest
 * reasons, then the lowest id. Of those that say yes the ones that checked the key come first, whatever their grade.
 *
 * @param {Finding} one
 * @param {Finding} other
 * @returns {number}
 */
export function compareFindings(one, other) {
  return (
    Number(!hasKey(one)) - Number(!hasKey(other)) ||
    VERDICTS.indexOf(one.verdict) - VERDICTS.indexOf(other.verdict) ||
    (one.away ?? 0) - (other.away ?? 0) ||
    one.reasons.length - other.reasons.length ||
    compareText(one.id ?? "", other.id ?? "")
  );
}

/**
 * Return whether a finding is a yes for which the key was checked.
 *
 * @param {Finding} finding
 */
function hasKey(finding) {
  return isAuthorized(finding) && !finding.unchecked.includes("key");
}

/**
 * Return a decision without its sentences, as it travels in evidence.
 *
 * @param {Decision} decision
 * @returns {{[member: string]: unknown}}
 */
export function summary(decision) {
  return {
    ...decision,
    reasons: decision.reasons.map(({ code }) => code),
    accreditations: decision.accreditations.map(unhex),
    others: decision.others.map(({ accreditation, verdict, code }) => [unhex(accreditation), verdict, code]),
    statements: decision.statements.map(unhex),
    chain: decision.chain.map(([by, via]) => [by, via === null ? null : unhex(via)]),
  };
}

/**
 * Return the least of some numbers; null of none.
 *
 * @param {Iterable<number>} numbers
 * @returns {number | null}
 */
export function least(numbers) {
  let found = null;
  for (const number of numbers) if (found === null || number < found) found = number;
  return found;
}
