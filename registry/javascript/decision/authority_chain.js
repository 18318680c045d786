/**
 * Finds the chain of authorities from a speaker up to the charter, and decides whose word counts along it.
 *
 * An authority *instance*, a voice, is an authority's id and the delegation it acts under, null for one that the
 * charter names. By mandate, not by name: two delegations to one body are two voices.
 *
 * @module
 */

import { isAhead, voiceOf } from "../domain/facts.js";

/** Links from a charter's authority to the last delegate. */
const DELEGATION_DEPTH = 8;

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("../evidence/proved_records.js").Records} Records */
/** @typedef {import("../domain/facts.js").Voice} Voice */
/**
 * One instance on a chain; `standing` is null where it is no longer an authority of the charter in force.
 *
 * @typedef {{by: string, via: string | null, standing: RegistryRecord | null, name: string}} Link
 */
/** @typedef {readonly Link[]} Chain from the instance itself up to the charter's authority */

export { voiceOf };

/**
 * Return the chain of an instance; it ends early where a link is missing.
 *
 * @param {Records} records
 * @param {Voice} voice
 * @returns {Chain}
 */
export function chainOf(records, { by, via }) {
  /** @type {Link[]} */
  const links = [];
  // The charter's own authority, then at most so many delegations: records that form a circle end here too.
  while (links.length <= DELEGATION_DEPTH) {
    const standing = standingOf(records, by, via);
    links.push({ by, via, standing, name: standing === null ? by : String(standing.name) });
    const parent = standing === null ? null : standing.parent;
    if (parent === null) break;
    ({ by, via } = parent);
  }
  return links;
}

/**
 * @param {Records} records
 * @param {string} by
 * @param {string | null} via
 * @returns {RegistryRecord | null}
 */
function standingOf(records, by, via) {
  const record = records.get("authority", by);
  for (const standing of record === null ? [] : record.standings) if (standing.via === via) return standing;
  return null;
}

/**
 * Return the instances that an authority's id alone stands for: where the charter names it, the charter's own and no
 * other.
 *
 * @param {RegistryRecord} record
 * @returns {Voice[]}
 */
export function mandatesOf(record) {
  const voices = record.standings.map((/** @type {RegistryRecord} */ standing) => ({
    by: record.id,
    via: standing.via,
  }));
  return voices.some((/** @type {Voice} */ one) => one.via === null) ? [{ by: record.id, via: null }] : voices;
}

/**
 * Return whether a fact counts: said by one of the chain, or by a publisher that was named.
 *
 * @param {RegistryRecord} said with `by` and `via`
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers voices
 * @returns {boolean}
 */
export function counts(said, chain, publishers) {
  const voice = voiceOf(/** @type {any} */ (said));
  return publishers.has(voice) || chain.some((link) => voiceOf(link) === voice);
}

/**
 * Return from when and until when all delegations of a chain are valid; null where nothing limits it. One that is dated
 * ahead of its reader's clock, `now`, begins on its date.
 *
 * @param {Chain} chain
 * @param {number} now
 * @returns {{begins: number | null, ends: number | null}}
 */
export function windowOf(chain, now) {
  let begins = null;
  let ends = null;
  for (const { standing } of chain) {
    const { valid_from: stated, valid_until: end, met } = standing ?? {};
    const start = met !== undefined && isAhead({ met }, now) ? met : stated;
    if (start !== undefined && (begins === null || begins < start)) begins = start;
    if (end !== undefined && (ends === null || end < ends)) ends = end;
  }
  return { begins, ends };
}
