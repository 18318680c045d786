/**
 * Parts of records that several readers share: which facts stand, when a rule was met, a framework's status, a name.
 *
 * @module
 */

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {{by: string, via: string | null}} Voice */

/**
 * Return a voice as one text, for sets and comparisons.
 *
 * @param {Voice} said
 * @returns {string}
 */
export function voiceOf({ by, via }) {
  return `${by}#${via ?? ""}`;
}

/**
 * Return when the rule of a part of a record was met, seconds.
 *
 * @param {RegistryRecord} said
 * @returns {number}
 */
export function met(said) {
  return said.met ?? said.iat;
}

/** Seconds by which a statement may be ahead of its reader's clock and be about now: clocks differ. */
export const AHEAD_MAX = 300;

/**
 * Return whether a part of a record is dated ahead of its reader's clock: by that, nobody has said it yet.
 *
 * @param {RegistryRecord} said
 * @param {number} now
 * @returns {boolean}
 */
export function isAhead(said, now) {
  return met(said) > now + AHEAD_MAX;
}

/**
 * Return from when something has ended, seconds, by its reader's clock. What ends it and is dated ahead ends it now,
 * unless it says itself that it begins later: nobody waits for the clock of whoever takes trust away.
 *
 * @param {RegistryRecord} ended
 * @param {number} now
 * @returns {number}
 */
export function endOf(ended, now) {
  return ended.later ? ended.effective_from : Math.min(ended.effective_from, now);
}

/**
 * Return whether something says itself that it begins after it was said.
 *
 * @param {RegistryRecord} said
 */
export function beginsLater(said) {
  return said.effective_from > met(said);
}

/**
 * Return from when a part of a record counts, seconds, by a clock that may be behind its signer's: what narrows and is
 * dated ahead counts from then on, as `endOf`; what gives back waits for its date.
 *
 * @param {RegistryRecord} said
 * @param {number} known
 * @param {boolean} narrows
 * @returns {number}
 */
export function heardFrom(said, known, narrows) {
  const start = said.effective_from;
  if (narrows) return beginsLater(said) ? start : Math.min(start, known);
  return isAhead(said, known) ? Math.max(start, met(said)) : start;
}

/**
 * Return, of what is stated, what has been said by its reader's clock.
 *
 * @param {number} now
 * @param {readonly RegistryRecord[]} stated
 * @returns {readonly RegistryRecord[]}
 */
export function saidBy(now, stated) {
  return stated.filter((one) => !isAhead(one, now));
}

/**
 * Return, of facts stated one after another, those that no later one of the same voice names in its `after`.
 *
 * @param {readonly RegistryRecord[]} stated
 * @returns {readonly RegistryRecord[]}
 */
export function standing(stated) {
  if (stated.length === 1) return stated;
  const place = (/** @type {RegistryRecord} */ fact, /** @type {string} */ id) =>
    `${voiceOf(/** @type {any} */ (fact))} ${id}`;
  const named = new Set(
    stated.flatMap((fact) => (fact.after ?? []).map((/** @type {string} */ id) => place(fact, id))),
  );
  return stated.filter((fact) => !named.has(place(fact, fact.statement)));
}

/**
 * Return the issuer's name as the first of `preferred` voices states it, else as anybody does; null if nobody does.
 *
 * @param {RegistryRecord} record
 * @param {readonly Voice[]} [preferred]
 * @returns {string | null}
 */
export function nameOf(record, preferred = []) {
  const stated = standing(record.stated);
  for (const { by, via } of preferred) {
    const fact = stated.find((one) => one.by === by && one.via === via);
    if (fact !== undefined) return String(fact.facts.name);
  }
  return stated[0] === undefined ? null : String(stated[0].facts.name);
}

const FRAMEWORK_STATUSES = ["active", "deprecated", "withdrawn"];

/**
 * Return the status of one stated framework: the most restrictive event in effect that no other such event follows.
 *
 * @param {RegistryRecord} stated
 * @param {number} time
 * @param {number} known the reader's clock
 * @returns {string}
 */
export function frameworkStatusAt(stated, time, known) {
  /** @type {RegistryRecord[]} */
  const events = stated.events;
  const present = events.filter((event) => heardFrom(event, known, event.status !== "active") <= time);
  const parents = new Map(events.map((event) => [event.statement, event.after]));
  const named = ancestors(
    parents,
    present.map((event) => event.statement),
  );
  const ranks = present.flatMap((event) =>
    named.has(event.statement) ? [] : [FRAMEWORK_STATUSES.indexOf(event.status)],
  );
  return String(FRAMEWORK_STATUSES[Math.max(0, ...ranks)]);
}

/**
 * Return everything that some statements name, directly or through others.
 *
 * @param {ReadonlyMap<string, readonly string[]>} parents
 * @param {Iterable<string>} of
 * @returns {Set<string>}
 */
export function ancestors(parents, of) {
  /** @type {Set<string>} */
  const named = new Set();
  const pending = [...of].flatMap((id) => parents.get(id) ?? []);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (!named.has(id)) {
      named.add(id);
      pending.push(...(parents.get(id) ?? []));
    }
  }
  return named;
}
