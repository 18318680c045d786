/**
 * Judges a chain of delegations for all accreditations that are made under it.
 *
 * @module
 */

import { endOf } from "../domain/facts.js";
import { day } from "../encoding/rfc3339.js";
import { voiceOf, windowOf } from "./authority_chain.js";
import { least } from "./verdict.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./case.js").Case} Case */
/** @typedef {import("./notes.js").Notes} Notes */

/**
 * Note what a chain means for what was granted under it.
 *
 * @param {Case} asked
 * @param {Chain} chain
 * @param {Notes} notes
 */
export function judgeChain(asked, chain, notes) {
  notes.cite(chain.flatMap((link) => link.via ?? []));
  const { begins, ends } = windowOf(chain, asked.now);
  if (begins !== null) {
    notes.dates.push(begins);
    if (asked.time < begins)
      notes.refuse("delegation_not_yet_valid", `The delegation it rests on begins on ${day(begins)}.`);
  }
  if (ends !== null) {
    notes.dates.push(ends);
    if (ends <= asked.time) notes.refuse("delegation_expired", `The delegation it rests on ended on ${day(ends)}.`);
    else if (ends <= asked.now)
      notes.lose("later_delegation_expired", `The delegation it rests on ended on ${day(ends)}.`);
  }
  for (const link of chain) {
    if (link.standing === null) {
      notes.advise("authority_not_in_force", `${link.name} is no longer an authority of this ecosystem.`);
    } else if (link.standing.withdrawn !== null) {
      const since = endOf(link.standing.withdrawn, asked.now);
      notes.dates.push(since);
      if (since <= asked.now) {
        notes.advise(
          "authority_withdrawn",
          `${link.name} lost its mandate on ${day(since)}; its earlier statements still stand.`,
        );
      }
    }
  }
}

/**
 * Return since when a mandate is over, seconds; null while it is not.
 *
 * @param {Case} asked
 * @param {Chain} chain
 * @returns {number | null}
 */
export function overSince(asked, chain) {
  const { ends } = windowOf(chain, asked.now);
  const withdrawn = chain.flatMap((link) => link.standing?.withdrawn ?? []);
  const over = least([...withdrawn.map((one) => endOf(one, asked.now)), ...(ends === null ? [] : [ends])]);
  return over === null || over > asked.now ? null : over;
}

/**
 * Return the limits of every link of a chain that has any, the nearest first.
 *
 * @param {Chain} chain
 * @returns {RegistryRecord[]}
 */
export function limitsOf(chain) {
  return chain.flatMap(({ standing: one }) => (one?.limits && Object.keys(one.limits).length ? [one.limits] : []));
}

/**
 * Say under which mandate this is answered, if the question names a body that holds several.
 *
 * @param {ReadonlySet<string> | null} mandates
 * @param {Chain} chain
 * @param {Notes} notes
 */
export function sayMandate(mandates, chain, notes) {
  if (mandates === null || mandates.size < 2) return;
  const at = chain.findIndex((link) => mandates.has(voiceOf(link)));
  const [link, giver] = [chain[at], chain[at + 1]];
  if (link === undefined || link.via === null) throw new TypeError("one of several mandates is a delegation");
  const given = giver === undefined ? "" : `, given by ${giver.name}`;
  notes.advise(
    "several_mandates",
    `${link.name} holds ${mandates.size} mandates; this answer uses mandate ${link.via.slice(0, 16)}${given}. ` +
      `To ask about that mandate alone, write ${link.by}#${link.via}.`,
  );
}
