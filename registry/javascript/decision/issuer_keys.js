/**
 * Decides whether a credential's key was a valid key of its issuer at a certain time.
 *
 * A key counts if an authority stated it whose word counts for the accreditation. It ends by its `valid_until`, by
 * `retire`, by `compromise`; the last two also if the issuer said so with one of its own counted Ed25519 keys, while
 * that is good. Keys that accuse each other, directly or in a circle, are all *in doubt*, until an authority decides. So
 * are those that a key accuses after it has ended itself: it cannot take its own words back in this way.
 * What a key says more than once, to end one other key in one way, is read as one word: the earliest of its ends, said
 * at the earliest of its dates, under the lowest of its numbers.
 *
 * @module
 */

import { isAhead, met } from "../domain/facts.js";
import { TIME_MAX, TIME_MIN } from "../encoding/rfc3339.js";
import { least } from "./verdict.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} Said */
/** @typedef {import("./authority_chain.js").Voice} Voice */
/**
 * @typedef {"good" | "no_pinned_keys" | "key_unknown" | "key_not_yet_valid" | "key_expired" | "key_retired"
 *   | "key_compromised" | "key_in_doubt"} KeyState
 */
/**
 * The answer about one key.
 *
 * @typedef {object} KeyAnswer
 * @property {KeyState} state
 * @property {number | null} compromisedLater seconds
 * @property {number | null} doubtedLater seconds
 * @property {number | null} safeBefore seconds; no thief had it before, whoever is right: the earliest of the dates of
 *     which anybody says that it was stolen then, and of when they said so; null if nobody does
 * @property {readonly string[]} statements ids it rests on
 * @property {readonly number[]} dates when it may change, seconds
 * @property {readonly Voice[]} unanchored the voices that state the key, where nothing but their own dates shows of any
 *     of them that it did so before its mandate ended; else empty
 */

/**
 * Return what counted statements say of a key at a time.
 *
 * @param {Said} issuer its record
 * @param {string} asked the verification method's id, or the key itself as multibase or did:key
 * @param {number} time
 * @param {number} now the reader's clock: a key whose statement is dated ahead of it is not stated yet; what ends a key
 *     is, and ends it then
 * @param {(said: Said) => boolean} counts whether a key statement is by an authority whose word counts
 * @returns {KeyAnswer}
 */
export function keyAt(issuer, asked, time, now, counts) {
  /** @type {readonly Said[]} */
  const keys = issuer.keys.map((/** @type {Said} */ one) => asHeard(one, now));
  const ahead = keys.filter((one) => one.op === "add" && isAhead(one, now));
  const added = keys.filter((one) => one.op === "add" && counts(one) && !ahead.includes(one));
  const matching = added.filter((one) => isNamed(one.key, asked));
  const ids = new Set([asked, ...matching.map((one) => one.key.id)]);
  let decided = keys.filter((one) => one.op !== "add" && counts(one));
  /** @type {readonly Said[]} */
  let doubts = [];
  const own = new Set(added.flatMap((one) => one.kid ?? []));
  const words = keys.filter((one) => one.op !== "add" && one.by === issuer.id && own.has(one.signer));
  if (words.length) {
    ({ counted: decided, doubts } = weigh(
      added,
      decided,
      words.filter((one) => !counts(one)),
    ));
  }
  const ended = decided.filter((one) => ids.has(one.key_id));
  const doubted = doubts.filter((one) => ids.has(one.key_id));
  const since = least(ended.filter((one) => one.op === "compromise").map(endOf));
  const retired = least(ended.filter((one) => one.op === "retire").map(endOf));
  const doubt = least(doubted.map(endOf));
  const dates = matching.flatMap(({ key }) => [key.valid_from ?? [], key.valid_until ?? []].flat());
  return {
    state: stateOf(added, matching, since, retired, doubt, time),
    compromisedLater: since,
    doubtedLater: doubt,
    safeBefore: least(
      [...ended, ...doubted]
        .filter((one) => one.op === "compromise")
        .map((one) => Math.min(endOf(one), met(one))),
    ),
    statements: [...matching, ...ended, ...doubted].map((one) => one.statement),
    dates: [...dates, ...ahead.map(met), ...[since, retired, doubt].filter((date) => date !== null)],
    unanchored: matching.every((one) => "unanchored" in one) ? matching.map(({ by, via }) => ({ by, via })) : [],
  };
}

/**
 * Return what ends a key, as it counts by a clock that may be behind its signer's.
 *
 * @param {Said} said
 * @param {number} now
 * @returns {Said}
 */
function asHeard(said, now) {
  const isLate = said.op === "retire" && said.valid_until === undefined && said.iat > now;
  return isLate ? { ...said, valid_until: now } : said;
}

/**
 * Return from when on a key is no longer good. A compromise without a date leaves nothing by that key to believe.
 *
 * @param {Said} said
 * @returns {number}
 */
function endOf(said) {
  return said.op === "compromise" ? (said.compromised_since ?? TIME_MIN) : (said.valid_until ?? said.iat);
}

// ------------------------------------------------------------------------------------------------ its own words

/**
 * Return what each key says, to end each other key in one way, as one word, and the statements that make a word of
 * several.
 *
 * @param {readonly Said[]} words
 * @returns {{heard: Said[], several: Set<string>}}
 */
function asOne(words) {
  /** @type {Map<string, Said[]>} */
  const groups = new Map();
  for (const one of words) {
    const group = JSON.stringify([one.signer, one.op, one.key_id]);
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  /** @type {Said[]} */
  const heard = [];
  /** @type {Set<string>} */
  const several = new Set();
  for (const said of groups.values()) {
    if (new Set(said.map((one) => JSON.stringify([endOf(one), one.iat, one.seq]))).size === 1) {
      heard.push(...said);
      continue;
    }
    const [iat, seq] = [Math.min(...said.map((one) => one.iat)), Math.min(...said.map((one) => one.seq))];
    const end = Math.min(...said.map(endOf));
    for (const one of said) {
      heard.push({ ...one, iat, seq, [one.op === "compromise" ? "compromised_since" : "valid_until"]: end });
      several.add(one.statement);
    }
  }
  return { heard, several };
}

/**
 * Return what ends keys, and what only puts them in doubt, of what authorities decided and the issuer's keys said. A
 * key is its key id, or its method's id where it is of a kind that says nothing in the registry.
 *
 * @param {readonly Said[]} added
 * @param {readonly Said[]} decided
 * @param {readonly Said[]} spoken
 * @returns {{counted: Said[], doubts: Said[]}}
 */
function weigh(added, decided, spoken) {
  /** @type {Map<string, Set<string>>} */
  const named = new Map();
  for (const { key, kid } of added) {
    const keys = named.get(key.id) ?? new Set();
    named.set(key.id, keys.add(kid ?? key.id));
  }
  const whom = (/** @type {Said} */ one) => named.get(one.key_id) ?? new Set([/** @type {string} */ (one.key_id)]);

  /** @type {Map<string, number>} */
  const ends = new Map();
  const end = (/** @type {string} */ key, /** @type {number} */ at) => ends.set(key, Math.min(at, ends.get(key) ?? at));
  const { heard: words, several } = asOne(spoken);
  const isHeard = (/** @type {string} */ key, /** @type {Said} */ one) => {
    const ending = ends.get(key);
    return ending === undefined || one.iat < ending;
  };

  for (const one of decided) for (const key of whom(one)) end(key, endOf(one));
  const themselves = words.filter((one) => whom(one).has(one.signer));
  /** @type {Map<string, {since: number, number: number}>} when a key ended itself, and under which number */
  const itself = new Map();
  for (const { signer, seq, ...one } of themselves) {
    const { since, number } = itself.get(signer) ?? { since: endOf(one), number: seq };
    itself.set(signer, { since: Math.min(endOf(one), since), number: Math.min(seq, number) });
  }
  const isDisputed = (/** @type {Said} */ one) => {
    const ended = itself.get(one.signer);
    return ended !== undefined && (one.iat >= ended.since || one.seq > ended.number);
  };
  /** @type {Map<string, Said[]>} */
  const accusations = new Map();
  for (const one of words) {
    const isValid = several.has(one.statement) || isWithin(added, one.signer, one.iat);
    if (!whom(one).has(one.signer) && isValid) {
      accusations.set(one.signer, [...(accusations.get(one.signer) ?? []), one]);
    }
  }
  // What an authority ended is silent from then on, before anybody's word about others is read.
  for (const [key, said] of accusations)
    accusations.set(
      key,
      said.filter((one) => isHeard(key, one)),
    );
  const counted = [...decided, ...themselves];
  /** @type {Said[]} */
  const doubts = [];
  /** @type {Set<string>} */
  const inDoubt = new Set();
  const edges = new Map([...accusations].map(([key, said]) => [key, said.flatMap((one) => [...whom(one)])]));
  for (const circle of circles(edges)) {
    // All ends by keys outside the circle are known; those within it accuse each other.
    const open = [...circle].flatMap((key) =>
      (accusations.get(key) ?? []).filter((one) => isHeard(key, one)).map((one) => /** @type {const} */ ([key, one])),
    );
    for (const [, one] of open) for (const target of whom(one)) if (circle.has(target)) inDoubt.add(target);
    for (const [key, one] of open) {
      if (inDoubt.has(key) || isDisputed(one)) {
        doubts.push(one);
        for (const target of whom(one)) inDoubt.add(target);
      } else {
        counted.push(one);
        for (const target of whom(one)) end(target, endOf(one));
      }
    }
  }
  return { counted, doubts };
}

/**
 * Return whether a key was stated to be good at a time.
 *
 * @param {readonly Said[]} added
 * @param {string} kid
 * @param {number} time
 */
function isWithin(added, kid, time) {
  return added.some(
    (one) =>
      one.kid === kid && (one.key.valid_from ?? TIME_MIN) <= time && time < (one.key.valid_until ?? TIME_MAX + 1),
  );
}

/**
 * Return nodes grouped by who can reach each other, a group before those it leads to (Kosaraju). Without recursion.
 *
 * @param {ReadonlyMap<string, readonly string[]>} edges
 * @returns {Set<string>[]}
 */
function circles(edges) {
  const nodes = new Set([...edges.keys(), ...[...edges.values()].flat()]);
  /** @type {Map<string, string[]>} */
  const back = new Map();
  for (const [node, targets] of edges)
    for (const target of targets) back.set(target, [...(back.get(target) ?? []), node]);
  /** @type {string[]} */
  const left = [];
  /** @type {Set<string>} */
  const seen = new Set();
  for (const start of nodes) {
    const pending = [{ node: start, isDone: false }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { node, isDone } = next;
      if (isDone) {
        left.push(node);
      } else if (!seen.has(node)) {
        seen.add(node);
        pending.push(
          { node, isDone: true },
          ...(edges.get(node) ?? []).map((target) => ({ node: target, isDone: false })),
        );
      }
    }
  }
  /** @type {Set<string>[]} */
  const groups = [];
  /** @type {Set<string>} */
  const taken = new Set();
  for (const start of left.reverse()) {
    /** @type {Set<string>} */
    const group = new Set();
    const stack = [start];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (!taken.has(node)) {
        taken.add(node);
        group.add(node);
        stack.push(...(back.get(node) ?? []));
      }
    }
    if (group.size) groups.push(group);
  }
  return groups;
}

// ------------------------------------------------------------------------------------------------ one key

/**
 * @param {readonly Said[]} added
 * @param {readonly Said[]} matching
 * @param {number | null} since
 * @param {number | null} retired
 * @param {number | null} doubt
 * @param {number} time
 * @returns {KeyState}
 */
function stateOf(added, matching, since, retired, doubt, time) {
  if (since !== null && since <= time) return "key_compromised";
  if (!added.length) return "no_pinned_keys";
  if (!matching.length) return "key_unknown";
  const begun = matching.map((one) => one.key).filter((key) => (key.valid_from ?? TIME_MIN) <= time);
  if (!begun.length) return "key_not_yet_valid";
  if (begun.every((key) => (key.valid_until ?? TIME_MAX + 1) <= time)) return "key_expired";
  if (retired !== null && retired <= time) return "key_retired";
  return doubt !== null && doubt <= time ? "key_in_doubt" : "good";
}

/**
 * @param {Said} key
 * @param {string} asked
 */
function isNamed(key, asked) {
  if (key.id === asked) return true;
  // The key itself, which no other key can be. A fragment of some other DID can look like it and be anything.
  const multibase = asked.startsWith("did:key:") ? String(asked.slice("did:key:".length).split("#", 1)[0]) : asked;
  return key.public_key_multibase === multibase;
}
