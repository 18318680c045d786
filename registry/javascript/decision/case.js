/**
 * One question and the records that answer it.
 *
 * @module
 */

import { voiceOf } from "./authority_chain.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("../evidence/proved_records.js").Records} Records */
/** @typedef {import("./query.js").Query} Query */

/**
 * The facts that all findings of one decision share.
 *
 * @typedef {object} Case
 * @property {Query} query
 * @property {Records} records
 * @property {number} time as of when, at most `now`
 * @property {number} now the answerer's clock
 * @property {ReadonlySet<string>} publishers the voices that the charter lets state facts for everybody
 * @property {number | null} maxBackdating the charter's cap, seconds; null: no cap
 * @property {ReadonlySet<string> | null} mandates the voices of the authority that was asked about; null: the whole
 *     ecosystem
 */

/**
 * Return the voices whose facts count besides those of the accreditation's own chain: the charter's, and its own.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @returns {ReadonlySet<string>}
 */
export function publishersOf(asked, record) {
  const named = namedBy(record);
  return named.length ? new Set([...asked.publishers, ...named]) : asked.publishers;
}

/**
 * Return the voices that a grant names as publishers.
 *
 * @param {RegistryRecord} record
 * @returns {string[]}
 */
export function namedBy(record) {
  return (record.publishers ?? []).map((/** @type {any} */ one) =>
    voiceOf(typeof one === "string" ? { by: one, via: null } : one),
  );
}
