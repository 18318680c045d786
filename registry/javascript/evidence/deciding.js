/**
 * `decide` over records that others vouch for: evidence, snapshots, buckets.
 *
 * A quorum may err, or be of another version, and vouch for a record that no node makes. Whoever asks is told so,
 * about the subject that the record is of; nothing falls over.
 *
 * @module
 */

import { decide, decideRecognition } from "../decision/decide.js";
import { spelledAuthority } from "../decision/query.js";
import { DecodeError } from "../errors.js";
import { CheckError } from "./state_check.js";

export const AUTHORIZATION = "authorization";
export const RECOGNITION = "recognition";

/** @typedef {import("../decision/query.js").Query} Query */
/** @typedef {import("../decision/verdict.js").Decision} Decision */
/** @typedef {import("./proved_records.js").Records} Records */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */

/**
 * Return the decision on a query.
 *
 * @param {Query} query
 * @param {Records} records
 * @param {number} time the answerer's clock, seconds since 1970
 * @param {string} ecosystemId
 * @param {string} [asked] one of `AUTHORIZATION`, `RECOGNITION`
 * @returns {Decision}
 * @throws {CheckError} `record`: one that the decision reads is not of its type's shape; and as `records.get` does
 */
export function decideOver(query, records, time, ecosystemId, asked = AUTHORIZATION) {
  try {
    return (asked === RECOGNITION ? decideRecognition : decide)(query, records, time, ecosystemId);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError || error instanceof DecodeError)) throw error;
    const message = `A record that a quorum vouches for is not of its type's shape (${error.message}).`;
    throw new CheckError(
      "refuted",
      "record",
      message.slice(0, 300),
      "Keep this file as evidence, and ask another node.",
    );
  }
}

/**
 * Check that the policy relies on whoever the question is about.
 *
 * @param {Query} query
 * @param {TrustPolicy} policy
 * @throws {CheckError} it does not
 */
export function checkAuthority(query, policy) {
  if (!policy.reliesOn(spelledOrAsIs(query.authority))) {
    const message = `The trust policy does not rely on ${query.authority}.`;
    throw new CheckError("unknown", "authority", message, `Ask about ${policy.authorities.join(" or ")}.`);
  }
}

/**
 * Return an authority's id in its one spelling; as it is where it is no identifier, so that the decision says what is
 * wrong.
 *
 * @param {string} authority
 */
export function spelledOrAsIs(authority) {
  try {
    return spelledAuthority(authority);
  } catch (error) {
    if (error instanceof DecodeError) return authority;
    throw error;
  }
}
