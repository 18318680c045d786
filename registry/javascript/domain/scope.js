/**
 * Decides whether a question lies within the scope of an accreditation, axis by axis.
 *
 * An absent axis grants nothing on it; `"*"` grants all of it; a list grants what it names and what lies within that.
 * An axis that the question asks and the scope does not grant makes the answer no; an axis on which the scope is a
 * list and the question says nothing is *open*.
 *
 * @module
 */

import { fieldWithin, jurisdictionWithin, levelWithin } from "./axes.js";
import { credentialTypeName, ENVELOPES, UNIVERSAL_CREDENTIAL_TYPES, withAncestors } from "./vocabulary.js";

/** Broader items looked at for one competency. */
const ANCESTORS_MAX = 200;
/** Steps of mappings from the competency asked about to the one that a scope covers. */
const HOPS_MAX = 2;
/** Competencies looked at for one that is asked about. */
const MAPPED_MAX = 64;

/** @typedef {import("../decision/query.js").Query} Query */
/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {(uri: string) => readonly RegistryRecord[]} Lookup entries of frameworks that count */
/** @typedef {"covered" | "not_covered" | "open" | "unknown"} Outcome */
/**
 * A link of a mapping, followed from a competency to another one which may cover it.
 *
 * @typedef {object} MappedStep
 * @property {string} start
 * @property {string} end
 * @property {string} relation
 * @property {boolean} isForward the mapping links `start` to `end`; else `end` to `start`
 * @property {string} mapping
 * @property {string} statement the mapping's publish
 */
/** @typedef {(uri: string) => readonly MappedStep[]} Links steps by mappings that may extend the scope in question */
/**
 * The answer on one axis.
 *
 * @typedef {object} Axis
 * @property {string} name
 * @property {Outcome} outcome
 * @property {string} asked what is not covered or known; empty otherwise
 * @property {readonly MappedStep[]} steps those that were taken to find all that was asked covered
 */

/** @type {readonly (readonly [string, string, (asked: any, granted: any) => boolean])[]} */
const SINGLE_AXES = [
  ["level", "levels", levelWithin],
  ["jurisdiction", "jurisdictions", jurisdictionWithin],
  ["program", "programs", (asked, program) => asked === program.id],
  ["field_of_study", "fields_of_study", fieldWithin],
  ["delivery_mode", "delivery_modes", (asked, mode) => asked === mode],
];

/**
 * Return the answer on every axis that is asked or left open.
 *
 * @param {RegistryRecord} scope
 * @param {Query} question
 * @param {Lookup} lookup
 * @param {Links} links
 * @returns {Axis[]}
 */
export function covers(scope, question, lookup, links) {
  /** @type {Axis[]} */
  const results = [];
  addNamed(results, "credential_types", scope.credential_types, question.credential_types ?? [], credentialTypeIn);
  addNamed(results, "achievement_types", scope.achievement_types, question.achievement_types ?? [], achievementIn);
  addCompetencies(results, scope, question, lookup, links);
  for (const [name, member, within] of SINGLE_AXES) {
    const granted = scope[member];
    const asked = /** @type {any} */ (question)[name] ?? null;
    if (asked === null) {
      if (granted !== undefined && granted !== "*") results.push(answer(name, "open"));
    } else if (
      granted === "*" ||
      (granted !== undefined && granted.some((/** @type {any} */ one) => within(asked, one)))
    ) {
      results.push(answer(name, "covered"));
    } else {
      results.push(answer(name, "not_covered", Array.isArray(asked) ? asked.join(":") : String(asked)));
    }
  }
  return results;
}

/**
 * Return whether the question says enough of *what* is attested to be answered by this scope.
 *
 * @param {RegistryRecord} scope
 * @param {Query} question
 */
export function saysWhat(scope, question) {
  if (question.achievement_types?.length || question.competencies?.length || (question.framework ?? null) !== null)
    return true;
  if (scope.achievement_types === "*") return true;
  const named = scope.credential_types;
  return (
    Array.isArray(named) &&
    (question.credential_types ?? []).some(
      (one) => credentialTypeIn(one, named) && !ENVELOPES.has(credentialTypeName(one)),
    )
  );
}

/**
 * @param {string} name
 * @param {Outcome} outcome
 * @param {string} [asked]
 * @param {readonly MappedStep[]} [steps]
 * @returns {Axis}
 */
function answer(name, outcome, asked = "", steps = []) {
  return { name, outcome, asked, steps };
}

/**
 * @param {Axis[]} results
 * @param {string} name
 * @param {any} granted
 * @param {readonly string[]} asked
 * @param {(one: string, granted: readonly string[]) => boolean} within
 */
function addNamed(results, name, granted, asked, within) {
  if (!asked.length) {
    if (granted !== undefined && granted !== "*") results.push(answer(name, "open"));
    return;
  }
  let missing = granted === "*" ? [] : asked.filter((one) => granted === undefined || !within(one, granted));
  if (name === "credential_types")
    missing = missing.filter((one) => !UNIVERSAL_CREDENTIAL_TYPES.has(credentialTypeName(one)));
  results.push(missing.length ? answer(name, "not_covered", missing.join(", ")) : answer(name, "covered"));
}

/**
 * @param {string} asked
 * @param {readonly string[]} granted
 */
function credentialTypeIn(asked, granted) {
  return granted.includes(asked) || granted.some((one) => credentialTypeName(one) === credentialTypeName(asked));
}

/**
 * @param {string} asked
 * @param {readonly string[]} granted
 */
function achievementIn(asked, granted) {
  return withAncestors(asked).some((one) => granted.includes(one));
}

/**
 * @param {Axis[]} results
 * @param {RegistryRecord} scope
 * @param {Query} question
 * @param {Lookup} lookup
 * @param {Links} links
 */
function addCompetencies(results, scope, question, lookup, links) {
  const { competencies: named, frameworks } = scope;
  const framework = question.framework ?? null;
  if (question.competencies?.length) {
    const found = new Map(question.competencies.map((one) => [one, competency(one, framework, scope, lookup, links)]));
    for (const worst of /** @type {const} */ (["not_covered", "unknown"])) {
      const missing = [...found].flatMap(([one, { outcome }]) => (outcome === worst ? [one] : []));
      if (missing.length) {
        results.push(answer("competencies", worst, missing.join(", ")));
        return;
      }
    }
    const steps = [...found.values()].flatMap(({ steps }) => steps);
    results.push(answer("competencies", "covered", "", steps));
  } else if (framework !== null) {
    const isCovered = frameworks === "*" || (frameworks !== undefined && frameworks.includes(framework));
    results.push(isCovered ? answer("framework", "covered") : answer("framework", "not_covered", framework));
  } else if (named !== "*" && frameworks !== "*" && !(named === undefined && frameworks === undefined)) {
    results.push(answer("competencies", "open"));
  }
}

/**
 * Return how a competency is covered, and by which steps where it is so by mappings.
 *
 * @param {string} uri
 * @param {string | null} framework
 * @param {RegistryRecord} scope
 * @param {Lookup} lookup
 * @param {Links} links
 * @returns {{outcome: Outcome, steps: readonly MappedStep[]}}
 */
function competency(uri, framework, scope, lookup, links) {
  const outcome = byItself(uri, framework, scope, lookup);
  if (outcome !== "covered" && ("competencies" in scope || "frameworks" in scope)) {
    const steps = byMappings(uri, scope, lookup, links);
    if (steps.length) return { outcome: "covered", steps };
  }
  return { outcome, steps: [] };
}

/**
 * Return the steps to an item that is covered by itself, as few as there can be; empty if there is none.
 *
 * @param {string} uri
 * @param {RegistryRecord} scope
 * @param {Lookup} lookup
 * @param {Links} links
 * @returns {readonly MappedStep[]}
 */
function byMappings(uri, scope, lookup, links) {
  /** @typedef {{item: string, taken: readonly MappedStep[]}} Reached */
  /** @type {Reached[]} */
  let level = [{ item: uri, taken: [] }];
  const seen = new Set([uri]);
  for (let hop = 0; hop < HOPS_MAX; hop++) {
    /** @type {Reached[]} */
    const reached = [];
    for (const { item, taken } of level) {
      // A mapping may know an item by its id where the question has an alias of it; that is no step.
      for (const name of new Set([item, ...lookup(item).map((entry) => entry.item)])) {
        for (const step of links(name)) {
          if (seen.has(step.end) || seen.size > MAPPED_MAX) continue;
          seen.add(step.end);
          reached.push({ item: step.end, taken: [...taken, step] });
        }
      }
    }
    for (const { item, taken } of reached) if (byItself(item, null, scope, lookup) === "covered") return taken;
    level = reached;
  }
  return [];
}

/**
 * Return whether a scope covers a competency without any mapping.
 *
 * @param {string} uri
 * @param {string | null} framework
 * @param {RegistryRecord} scope
 * @param {Lookup} lookup
 * @returns {Outcome}
 */
function byItself(uri, framework, scope, lookup) {
  const { competencies: named, frameworks } = scope;
  if (named === "*" || (named !== undefined && named.includes(uri))) return "covered";
  const inherits = named !== undefined && scope.inherit_to_narrower === true;
  if (named === undefined && frameworks === undefined) return "not_covered";
  const entries = lookup(uri);
  // Not found in any framework that counts: one that the scope names may hold it and be incomplete here.
  if (!entries.length) return frameworks !== undefined || inherits ? "unknown" : "not_covered";
  const pending = [uri];
  const seen = new Set([uri]);
  while (pending.length && seen.size <= ANCESTORS_MAX) {
    const item = /** @type {string} */ (pending.pop());
    for (const entry of item === uri ? entries : lookup(item)) {
      if (framework !== null && entry.framework !== framework) continue;
      const isNamed = frameworks === "*" || (frameworks !== undefined && frameworks.includes(entry.framework));
      if (item === uri && isNamed) return "covered";
      if (named !== undefined && named.includes(entry.item)) return "covered";
      for (const parent of inherits ? entry.parents : []) {
        if (named.includes(parent)) return "covered";
        if (!seen.has(parent)) {
          seen.add(parent);
          pending.push(parent);
        }
      }
    }
  }
  return "not_covered";
}
