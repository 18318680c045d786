/**
 * Judges whether the scope of terms, or the limits of a mandate, cover the question.
 *
 * @module
 */

import { saysWhat } from "../domain/scope.js";
import { chainOf } from "./authority_chain.js";
import { namedBy } from "./case.js";
import { overSince } from "./chain_notes.js";
import { Competencies, extentsOfTerms, wordsOf } from "./competencies.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./case.js").Case} Case */
/** @typedef {import("./competencies.js").Extent} Extent */
/** @typedef {import("./notes.js").Notes} Notes */

/** @type {Readonly<Record<string, readonly [string, string]>>} of each axis one, and several */
const AXES = {
  credential_types: ["the type of credential", "types of credential"],
  achievement_types: ["the achievement type", "achievement types"],
  competencies: ["the competency", "competencies"],
  framework: ["the framework", "frameworks"],
  level: ["the level", "levels"],
  jurisdiction: ["the place", "places"],
  program: ["the programme", "programmes"],
  field_of_study: ["the field of study", "fields of study"],
  delivery_mode: ["the mode of delivery", "modes of delivery"],
};

/**
 * Note what scopes say to the question.
 *
 * @param {Case} asked
 * @param {readonly Extent[]} extents all of which must cover the question
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 * @param {Notes} notes
 */
export function judgeScope(asked, extents, chain, publishers, notes) {
  const known = competencies(asked, asked.time, chain, publishers);
  if (!extents.every(({ scope }) => saysWhat(scope, asked.query))) {
    const text = "The question does not say what the credential attests: give an achievement type or a competency.";
    notes.miss("question_too_open", text);
  }
  // Several amendments that do not know each other must all cover it; each answer is given once.
  const answers = new Map();
  const steps = new Map();
  for (const extent of extents) {
    for (const axis of known.covers(extent, asked.query)) {
      const place = JSON.stringify([axis.name, axis.outcome, axis.asked]);
      if (axis.outcome !== "covered" && !answers.has(place)) answers.set(place, axis);
      for (const step of axis.steps) steps.set(JSON.stringify(step), step);
    }
  }
  notes.cite(known.cited);
  notes.dates.push(...known.dates);
  for (const step of steps.values()) {
    notes.cite([step.statement]);
    notes.mapped.push({ code: "covered_by_mapping", text: wordsOf(step) });
  }
  for (const { name, outcome, asked: wanted } of answers.values()) {
    const [one, some] = /** @type {readonly [string, string]} */ (AXES[name]);
    if (outcome === "not_covered") {
      notes.refuse(`${name}_not_covered`, `It does not cover ${one} ${wanted}.`);
    } else if (outcome === "unknown") {
      const text = `No framework that counts here contains ${wanted}; a framework may be incomplete.`;
      notes.miss("competency_unknown", text);
    } else {
      notes.unchecked.push(name);
      notes.advise(`${name}_not_asked`, `It covers only some ${some}, and the question does not name any.`);
    }
  }
}

/**
 * Return how far terms reach: their scopes, cut by the limits of every link above them.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {readonly RegistryRecord[]} terms
 * @returns {Extent[]}
 */
export function extentsOf(asked, record, terms) {
  return extentsOfTerms(
    record,
    terms,
    (voice) => chainOf(asked.records, voice),
    asked.publishers,
    namedBy(record),
  );
}

/**
 * Return the competencies that are known at a time to those whose word counts.
 *
 * @param {Case} asked
 * @param {number} time
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 */
export function competencies(asked, time, chain, publishers) {
  return new Competencies(
    asked.records,
    time,
    asked.now,
    chain,
    publishers,
    (voice) => overSince(asked, chainOf(asked.records, voice)) !== null,
  );
}
