/**
 * Decides whose word on frameworks and mappings counts when an accreditation is judged.
 *
 * Of terms that of whoever stated them, one above it or a publisher that was named; where several granted together,
 * those of the accreditor's chain. Of a limit that of one above whom it limits, or a publisher that the charter names:
 * nobody widens his own mandate, neither by a mapping nor by what he lists in a framework. A framework counts from its
 * date on until it was withdrawn; a mapping besides if it is marked as usable and took at least as many as the terms.
 *
 * @module
 */

import { ceiling, inherited } from "../domain/ceiling.js";
import { endOf, frameworkStatusAt, isAhead, met } from "../domain/facts.js";
import { covers } from "../domain/scope.js";
import { counts, voiceOf } from "./authority_chain.js";

/** @typedef {import("../domain/scope.js").Axis} Axis */
/** @typedef {import("../domain/scope.js").MappedStep} MappedStep */
/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("../evidence/proved_records.js").Records} Records */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./authority_chain.js").Voice} Voice */
/** @typedef {import("./query.js").Query} Query */
/** @typedef {{authorities: number, constituencies?: Readonly<Record<string, number>>}} NeededRule */
/**
 * A scope that must cover a question, and whose word on competencies counts for it.
 *
 * @typedef {object} Extent
 * @property {RegistryRecord} scope
 * @property {ReadonlySet<string>} voices whose
 * @property {readonly (NeededRule | undefined)[]} rules what those mappings must have taken, each
 * @property {boolean} isJoint several granted it together, so that mappings of as many of the charter's authorities count
 */

/**
 * Return what terms grant, and the ceilings over whoever stated them: all of it must cover a question.
 *
 * @param {RegistryRecord} record
 * @param {readonly RegistryRecord[]} terms
 * @param {(voice: Voice) => Chain} chainOf
 * @param {ReadonlySet<string>} publishers those that the charter names
 * @param {readonly string[]} named those that the grant names
 * @returns {Extent[]}
 */
export function extentsOfTerms(record, terms, chainOf, publishers, named) {
  const granted = record.terms[0].rule;
  const by = voiceOf(/** @type {any} */ (record));
  return terms.flatMap((one) => {
    // One above the accreditor may have amended it: its own mandate limits that; who is below does not extend it.
    const chain = chainOf({ by: one.by, via: one.via });
    const rules = [granted, one.rule];
    const isOwn = voiceOf(/** @type {any} */ (one)) === by;
    const voices = new Set([...chain.map(voiceOf), ...publishers, ...(isOwn ? named : [])]);
    const limits = chain.flatMap((link) => link.standing?.limits ?? []);
    const scope = limits.reduce(inherited, one.scope);
    return [{ scope, voices, rules, isJoint: granted !== undefined }, ...extentsOfLimits(chain, publishers, rules)];
  });
}

/**
 * Return the ceilings that the limits of a chain's links are, the nearest first.
 *
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers those that the charter names
 * @param {readonly (NeededRule | undefined)[]} [rules]
 * @returns {Extent[]}
 */
export function extentsOfLimits(chain, publishers, rules = []) {
  return chain.flatMap(({ standing }, at) => {
    const limits = standing?.limits ?? {};
    if (!Object.keys(limits).length) return [];
    const voices = new Set([...chain.slice(at + 1).map(voiceOf), ...publishers]);
    return [{ scope: ceiling(limits), voices, rules, isJoint: false }];
  });
}

/**
 * Return the extent that covers whatever is asked: of an authority that the charter names.
 *
 * @returns {Extent}
 */
export function boundless() {
  return { scope: ceiling({}), voices: new Set(), rules: [], isJoint: false };
}

/**
 * Return whether a decision taken by one rule took at least as many as one taken by another; undefined: one voice.
 *
 * @param {NeededRule | undefined} rule
 * @param {NeededRule | undefined} other
 */
function tookAsMuch(rule, other) {
  if (other === undefined) return true;
  const seats = rule?.constituencies ?? {};
  return (
    (rule?.authorities ?? 1) >= other.authorities &&
    Object.entries(other.constituencies ?? {}).every(([seat, count]) => (seats[seat] ?? 0) >= count)
  );
}

/** The knowledge of competencies at one time of those whose word counts for one accreditation. */
export class Competencies {
  /** @type {string[]} publishes of frameworks that were looked at, and what ended mappings that would have counted */
  cited = [];
  /** @type {number[]} when what may count begins and ends */
  dates = [];
  /** @type {Map<string, readonly RegistryRecord[]>} */
  #entries = new Map();
  #records;
  #time;
  #now;
  #chain;
  #publishers;
  #isOver;

  /**
   * @param {Records} records
   * @param {number} time as of when
   * @param {number} now the reader's clock
   * @param {Chain} chain
   * @param {ReadonlySet<string>} publishers voices whose word counts besides those of the chain
   * @param {(voice: Voice) => boolean} isOver whether a voice's mandate has ended by now
   */
  constructor(records, time, now, chain, publishers, isOver) {
    this.#records = records;
    this.#time = time;
    this.#now = now;
    this.#chain = chain;
    this.#publishers = publishers;
    this.#isOver = isOver;
  }

  /**
   * Return what an extent says to a question.
   *
   * @param {Extent} extent
   * @param {Query} question
   * @returns {Axis[]}
   */
  covers(extent, question) {
    return covers(
      extent.scope,
      question,
      (uri) => this.#counted(uri).filter((one) => extent.isJoint || extent.voices.has(voiceOf(/** @type {any} */ (one)))),
      (uri) => this.#steps(uri, extent),
    );
  }

  /** @param {string} uri */
  #counted(uri) {
    let found = this.#entries.get(uri);
    if (found === undefined) {
      const record = this.#records.get("competency", uri);
      /** @type {readonly RegistryRecord[]} */
      const entries = record === null ? [] : record.in;
      found = entries.filter((entry) => this.#isCounted(entry));
      this.#entries.set(uri, found);
      this.cited.push(...found.map((entry) => entry.statement));
    }
    return found;
  }

  /** @param {RegistryRecord} entry */
  #isCounted(entry) {
    if (!counts(entry, this.#chain, this.#publishers)) return false;
    const framework = this.#records.get("framework", entry.framework);
    /** @type {readonly RegistryRecord[]} */
    const stated = framework === null ? [] : framework.stated;
    return stated.some((one) => one.statement === entry.statement && this.#isInForce(one));
  }

  /** @param {RegistryRecord} framework */
  #isInForce(framework) {
    if ("unanchored" in framework && this.#isOver({ by: framework.by, via: framework.via })) return false;
    if (isAhead(framework, this.#now)) {
      this.dates.push(met(framework));
      return false;
    }
    return frameworkStatusAt(framework, this.#time, this.#now) !== "withdrawn";
  }

  /**
   * @param {string} uri
   * @param {Extent} extent
   * @returns {MappedStep[]}
   */
  #steps(uri, extent) {
    const record = this.#records.get("competency", uri);
    /** @type {readonly RegistryRecord[]} */
    const links = record === null ? [] : (record.links ?? []);
    return links.filter((link) => this.#extends(link, extent)).map((link) => stepOf(uri, link));
  }

  /**
   * @param {RegistryRecord} link
   * @param {Extent} extent
   */
  #extends(link, extent) {
    if (!("usable" in link) || (link.relation === "replaced_by" && "to" in link)) return false;
    const voice = { by: link.by, via: link.via };
    if (!extent.voices.has(voiceOf(voice)) && !(extent.isJoint && link.via === null)) return false;
    if (!extent.rules.every((rule) => tookAsMuch(link.rule, rule))) return false;
    if ("unanchored" in link && this.#isOver(voice)) return false;
    this.dates.push(met(link));
    if (!("withdrawn" in link)) return met(link) <= this.#time;
    const end = endOf(link.withdrawn, this.#now);
    this.dates.push(end);
    if (end <= this.#time) this.cited.push(link.withdrawn.statement);
    return met(link) <= this.#time && this.#time < end;
  }
}

/**
 * @param {string} uri
 * @param {RegistryRecord} link
 * @returns {MappedStep}
 */
function stepOf(uri, link) {
  const isForward = "to" in link;
  const { mapping, relation, statement } = link;
  return { start: uri, end: isForward ? link.to : link.from, relation, isForward, mapping, statement };
}

/**
 * Return one step as a sentence.
 *
 * @param {MappedStep} step
 * @returns {string}
 */
export function wordsOf({ start, end, relation, isForward, mapping }) {
  const said =
    relation === "exact_match"
      ? `${start} is an exact match of ${end}`
      : relation === "replaced_by"
        ? `${start} replaces ${end}`
        : isForward
          ? `${start} is a translation of ${end}`
          : `${end} is a translation of ${start}`;
  return `Covered through a mapping: ${said} (${mapping}).`;
}
