/**
 * Checks answers of an accredit trust registry offline, in Node from 20 on and in browsers.
 *
 * @module
 */

export { decide, decideRecognition } from "./decision/decide.js";
export { encodeQuery } from "./decision/query.js";
export { isAuthorized } from "./decision/verdict.js";
export { AccreditError, DecodeError, EnvironmentError, RefusedError } from "./errors.js";
export { check, decodeEvidence } from "./evidence/check.js";
export { checkReceipt, decodeReceipt } from "./evidence/issuance_receipt.js";
export { ask, decodeBucket, openBucket } from "./evidence/private_lookup.js";
export { recordKey } from "./evidence/proved_records.js";
export { Snapshot } from "./evidence/snapshot.js";
export { CheckError, readNote } from "./evidence/state_check.js";
export { TrustPolicy } from "./evidence/trust_policy.js";
