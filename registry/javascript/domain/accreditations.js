/**
 * An accreditation's terms and its status as of a time, from the graph that `after` makes of its dated events.
 *
 * 1. An event is *present* from its `effective_from` (a revocation from its `void_from`, where it has one) until its
 *    `effective_until`. A `teach_out` does not lapse: from its end on it means expired.
 * 2. `annul` says that the narrowing events it names were wrong: they are absent at every time.
 * 3. *Heads* are the present events that no other present event names. The most restrictive status they bear decides,
 * then the
 *    one with the earliest start, then the lowest id.
 * 4. A narrowing event bears its own status, or that of what it follows where this is more restrictive. `lift` and
 * `reinstate`
 *    bring back what was before any trouble, `renew` makes active.
 * 5. `stay` bears what was before the events it names; `annul`, `appeal_open`, `appeal_decide` bear what is named.
 * 6. Without present events it is the initial status. Validity comes on top.
 *
 * @module
 */

import { compareText } from "../encoding/bytes.js";
import { nextPeriod } from "../encoding/rfc3339.js";
import { DecodeError } from "../errors.js";
import { ancestors, beginsLater, heardFrom, isAhead, met } from "./facts.js";
import { NARROWING_EVENTS, rowOf, statusOfEvent, VOID_RANK } from "./vocabulary.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/**
 * An accreditation's status at some time.
 *
 * @typedef {object} Status
 * @property {string} word
 * @property {number} since when the event or term that brings it began to count, seconds
 * @property {readonly string[]} events ids of the heads; empty: the initial status
 * @property {RegistryRecord | null} event the event that decided; null for the initial status and for expiry by date
 * @property {boolean} isStayed
 * @property {boolean} hasAppeal
 */
/** @typedef {{rank: number, since: number, id: string, word: string, event: RegistryRecord | null}} Bearing */

/**
 * Return the first second at which terms are surely valid: `valid_from`, or the end of the period it is known to.
 *
 * @param {RegistryRecord} terms
 * @returns {number}
 */
export function certainFrom(terms) {
  const precision = terms.valid_from_precision;
  return precision === undefined ? terms.valid_from : nextPeriod(terms.valid_from, precision);
}

/**
 * Return the terms that stand at a time; all of them must cover a question. Empty before the first takes effect.
 *
 * An amendment that is dated ahead of `known` replaces nothing yet; but what it would take away is gone at once, so it
 * must cover a question as well, unless it says itself that it begins later.
 *
 * @param {RegistryRecord} record
 * @param {number} time
 * @param {number} known the reader's clock, by which what is dated ahead has not been said
 * @param {number | null} [maxBackdating] seconds before they were stated that terms apply at most
 * @returns {readonly RegistryRecord[]}
 */
export function termsAt(record, time, known, maxBackdating = null) {
  /** @type {readonly RegistryRecord[]} */
  const stated = record.terms;
  const said = stated.filter((one) => !isAhead(one, known));
  if (said[0] !== stated[0]) return []; // nobody has accredited it yet
  const replaced = standingAt(said, time, maxBackdating);
  if (!replaced.length || time < known) return replaced;
  return [...replaced, ...stated.filter((one) => isAhead(one, known) && !beginsLater(one))];
}

/**
 * @param {readonly RegistryRecord[]} terms the grant's first
 * @param {number} time
 * @param {number | null} maxBackdating
 * @returns {readonly RegistryRecord[]}
 */
function standingAt(terms, time, maxBackdating) {
  const present = terms.filter((one) => appliesFrom(one, maxBackdating) <= time);
  if (present.length < 2) return present;
  const parents = new Map(terms.slice(1).map((one) => [one.statement, one.after]));
  const named = ancestors(
    parents,
    present.map((one) => one.statement),
  );
  // Every amendment says which accreditation it amends, and so knows the grant.
  return present.filter((one) => one !== terms[0] && !named.has(one.statement));
}

/**
 * @param {RegistryRecord} terms
 * @param {number | null} maxBackdating
 */
function appliesFrom(terms, maxBackdating) {
  return maxBackdating === null ? terms.effective_from : Math.max(terms.effective_from, met(terms) - maxBackdating);
}

/**
 * Return the status at a time, as far as events say that have taken effect by `known`.
 *
 * What narrows and is dated ahead of `known` takes effect then, unless it says itself that it begins later: nobody waits
 * for the clock of whoever takes trust away. What gives trust back waits for its date.
 *
 * @param {RegistryRecord} record
 * @param {number} time
 * @param {number} known
 * @returns {Status}
 */
export function statusAt(record, time, known) {
  const grant = record.terms[0];
  const [word, since] = [grant.initial_status ?? "active", grant.effective_from];
  const initial = { rank: rowOf(word).rank, since, id: record.id, word, event: null };
  const events = record.events.map((/** @type {RegistryRecord} */ event) => asHeard(event, known));
  const status = events.length ? byEvents(events, initial, time, known) : null;
  const expiry = expiryOf(record, time, known);
  if (expiry !== null && (status === null || yieldsToExpiry(status, expiry))) return plain("expired", expiry);
  return status ?? plain(word, since);
}

/**
 * Return an event as it counts by a clock that may be behind its signer's.
 *
 * @param {RegistryRecord} event
 * @param {number} known
 * @returns {RegistryRecord}
 */
function asHeard(event, known) {
  return { ...event, effective_from: heardFrom(event, known, NARROWING_EVENTS.has(event.event)) };
}

/**
 * @param {string} word
 * @param {number} since
 * @returns {Status}
 */
function plain(word, since) {
  return { word, since, events: [], event: null, isStayed: false, hasAppeal: false };
}

/**
 * @param {Status} status
 * @param {number} expiry
 */
function yieldsToExpiry(status, expiry) {
  const [expired, rank] = [rowOf("expired").rank, rowOf(status.word).rank];
  return expired < rank || (expired === rank && expiry < status.since);
}

/**
 * Return when the terms that stand at a time ended, if they have; the earliest where several stand.
 *
 * @param {RegistryRecord} record
 * @param {number} time
 * @param {number} known
 * @returns {number | null}
 */
function expiryOf(record, time, known) {
  // Of a lone grant the end is the same whether it stands yet or not.
  const stands = record.terms.length === 1 ? record.terms : termsAt(record, time, known);
  const ends = stands.flatMap((/** @type {RegistryRecord} */ one) => one.valid_until ?? []);
  return ends.reduce(
    (/** @type {number | null} */ first, /** @type {number} */ end) =>
      end <= time && (first === null || end < first) ? end : first,
    null,
  );
}

/**
 * @param {readonly RegistryRecord[]} events
 * @param {Bearing} initial
 * @param {number} time
 * @param {number} known
 * @returns {Status | null}
 */
function byEvents(events, initial, time, known) {
  const byId = new Map(events.map((event) => [event.statement, event]));
  const heard = events.filter((event) => event.effective_from <= known);
  const wrong = new Set(
    heard
      .filter((event) => event.event === "annul")
      .flatMap((event) => event.after)
      .filter((id) => NARROWING_EVENTS.has(byId.get(id)?.event)),
  );
  const present = new Map(
    heard
      .filter((event) => !wrong.has(event.statement) && isPresent(event, time))
      .map((event) => [event.statement, event]),
  );
  if (!present.size) return null;
  const { bearings, stays, appeals } = bearingsOf(byId, present, initial, time);
  const named = ancestors(new Map(events.map((event) => [event.statement, event.after])), present.keys());
  const heads = [...present.keys()].filter((id) => !named.has(id));
  const borne = worst(
    heads.map((id) => bearings.get(id)),
    initial,
  );
  const { word, since, event } = borne;
  const isStayed = heads.some((id) => stays.has(id));
  return { word, since, events: heads, event, isStayed, hasAppeal: heads.some((id) => appeals.has(id)) };
}

/**
 * @param {RegistryRecord} event
 * @param {number} time
 */
function isPresent(event, time) {
  if ((event.void_from ?? event.effective_from) > time) return false;
  return event.event === "teach_out" || event.effective_until === undefined || event.effective_until > time;
}

/**
 * Return what each present event bears; worked out parents first, without recursion, so that no history is too long.
 *
 * @param {ReadonlyMap<string, RegistryRecord>} byId
 * @param {ReadonlyMap<string, RegistryRecord>} present
 * @param {Bearing} initial
 * @param {number} time
 * @returns {{bearings: Map<string, Bearing>, stays: Set<string>, appeals: Set<string>}} `stays`: events under which
 *   something is stayed; `appeals`: under which an appeal is open.
 */
function bearingsOf(byId, present, initial, time) {
  // What an event follows, absent ones replaced by what those follow; and the unimpaired status under it.
  /** @type {Map<string, readonly string[]>} */
  const follows = new Map();
  /** @type {Map<string, Bearing>} */
  const base = new Map();
  /** @type {Map<string, Bearing>} */
  const bearings = new Map();
  // What would be borne if an event were stayed.
  /** @type {Map<string, Bearing | undefined>} */
  const stayed = new Map();
  /** @type {Set<string>} */
  const stays = new Set();
  /** @type {Set<string>} */
  const appeals = new Set();
  for (const id of parentsFirst(byId)) {
    const event = /** @type {RegistryRecord} */ (byId.get(id));
    /** @type {readonly string[]} */
    const parents = event.after.filter((/** @type {string} */ parent) => follows.has(parent));
    const followed = [
      ...new Set(parents.flatMap((parent) => (present.has(parent) ? [parent] : (follows.get(parent) ?? [])))),
    ];
    follows.set(id, followed);
    const under = leastRestrictive(
      followed.map((one) => base.get(one)),
      initial,
    );
    base.set(id, under);
    if (!present.has(id)) continue;
    const borneByFollowed = () =>
      worst(
        followed.map((parent) => bearings.get(parent)),
        initial,
      );
    const stayedByFollowed = () =>
      worst(
        followed.map((parent) => stayed.get(parent)),
        initial,
      );
    if (NARROWING_EVENTS.has(event.event)) {
      bearings.set(id, narrowed(id, event, borneByFollowed(), time));
    } else if (event.event === "renew") {
      const renewed = { rank: rowOf("active").rank, since: event.effective_from, id, word: "active", event };
      base.set(id, renewed);
      bearings.set(id, renewed);
    } else if (event.event === "lift" || event.event === "reinstate") {
      bearings.set(id, { rank: under.rank, since: event.effective_from, id, word: under.word, event });
    } else if (event.event === "stay") {
      bearings.set(id, stayedByFollowed());
    } else {
      bearings.set(id, borneByFollowed());
    }
    const isOfAppeal = event.event === "appeal_open" || event.event === "appeal_decide";
    const isNarrowing = NARROWING_EVENTS.has(event.event);
    if (isNarrowing) {
      stayed.set(id, borneByFollowed());
    } else if (isOfAppeal) {
      stayed.set(id, stayedByFollowed()); // a stay that follows an appeal stays what is appealed against
    } else {
      stayed.set(id, bearings.get(id));
    }
    // That an appeal is decided ends no stay: who decided against it states the decision anew.
    if (event.event === "stay" || (isOfAppeal && followed.some((one) => stays.has(one)))) stays.add(id);
    const isKept = event.event === "stay" || isNarrowing;
    if (event.event === "appeal_open" || (isKept && followed.some((one) => appeals.has(one)))) appeals.add(id);
  }
  return { bearings, stays, appeals };
}

/**
 * @param {string} id
 * @param {RegistryRecord} event
 * @param {Bearing} followed
 * @param {number} time
 * @returns {Bearing}
 */
function narrowed(id, event, followed, time) {
  let word = statusOfEvent(event);
  let since = event.void_from ?? event.effective_from;
  let rank = "void_from" in event ? VOID_RANK : rowOf(word).rank;
  if (word === "teach_out" && event.effective_until !== undefined && event.effective_until <= time) {
    [word, rank, since] = ["expired", rowOf("expired").rank, event.effective_until];
  }
  return followed.rank < rank ? followed : { rank, since, id, word, event };
}

/**
 * @param {readonly (Bearing | undefined)[]} bearings
 * @param {Bearing} initial
 */
function worst(bearings, initial) {
  return first(bearings, initial, (one, other) => one.rank - other.rank);
}

/**
 * @param {readonly (Bearing | undefined)[]} bearings
 * @param {Bearing} initial
 */
function leastRestrictive(bearings, initial) {
  return first(bearings, initial, (one, other) => other.rank - one.rank);
}

/**
 * @param {readonly (Bearing | undefined)[]} bearings
 * @param {Bearing} initial
 * @param {(one: Bearing, other: Bearing) => number} compare
 * @returns {Bearing}
 */
function first(bearings, initial, compare) {
  const there = /** @type {Bearing[]} */ (bearings.filter((one) => one !== undefined));
  if (there.length < bearings.length) throw new TypeError("an event follows what is not there");
  there.sort((one, other) => compare(one, other) || one.since - other.since || compareText(one.id, other.id));
  return there[0] ?? initial;
}

/**
 * Return every id after those it names.
 *
 * @param {ReadonlyMap<string, RegistryRecord>} byId
 * @returns {Iterable<string>}
 * @throws {DecodeError} events name each other in a circle, which no ids do that are hashes over what they name
 */
function parentsFirst(byId) {
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {Set<string>} */
  const entered = new Set();
  for (const start of byId.keys()) {
    const pending = [start];
    for (let id = pending.at(-1); id !== undefined; id = pending.at(-1)) {
      /** @type {string[]} */
      const missing = byId
        .get(id)
        ?.after.filter((/** @type {string} */ parent) => byId.has(parent) && !done.has(parent));
      if (!missing.length) {
        pending.pop();
        done.add(id);
      } else if (entered.has(id)) {
        throw new DecodeError("bad_event", "events name each other in a circle.");
      } else {
        entered.add(id);
        pending.push(...missing);
      }
    }
  }
  return done;
}
