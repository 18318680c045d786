/**
 * Judges one mandate of an authority for a query with the action `accredit`: may it accredit issuers for this?
 *
 * @module
 */

import { endOf } from "../domain/facts.js";
import { day } from "../encoding/rfc3339.js";
import { windowOf } from "./authority_chain.js";
import { sayMandate } from "./chain_notes.js";
import { boundless, extentsOfLimits } from "./competencies.js";
import { Notes } from "./notes.js";
import { judgeScope } from "./scope_notes.js";
import { least } from "./verdict.js";

const GRANT = ["accreditation.grant", "accreditation.*"];

/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./case.js").Case} Case */
/** @typedef {import("./verdict.js").Finding} Finding */

/**
 * Return the finding on the first instance of a chain.
 *
 * @param {Case} asked
 * @param {Chain} chain
 * @param {ReadonlySet<string>} mandates voices that its body holds
 * @returns {Finding}
 */
export function judgeMandate(asked, chain, mandates) {
  const notes = new Notes();
  sayMandate(mandates, chain, notes);
  notes.cite(chain.flatMap((link) => link.via ?? []));
  const [first, last] = [chain[0], chain.at(-1)];
  const own = first?.standing ?? null;
  if (own === null || chain.some((link) => link.standing === null)) {
    notes.refuse("authority_not_in_force", `${last?.name} is no longer an authority of this ecosystem.`);
  } else if (own.actions !== null && !own.actions.some((/** @type {string} */ action) => GRANT.includes(action))) {
    notes.refuse("action_not_covered", `${first?.name} may not accredit issuers.`);
  } else {
    judgeTime(asked, chain, notes);
    const ceilings = extentsOfLimits(chain, asked.publishers);
    judgeScope(asked, ceilings.length ? ceilings : [boundless()], chain, asked.publishers, notes);
  }
  const why = chain.length === 1 ? ": the charter names it." : `; it answers to ${last?.name}.`;
  return notes.finding({ code: "mandated", text: `${first?.name} may accredit issuers${why}` }, chain, asked.now);
}

/**
 * @param {Case} asked
 * @param {Chain} chain
 * @param {Notes} notes
 */
function judgeTime(asked, chain, notes) {
  const { begins, ends: end } = windowOf(chain, asked.now);
  const withdrawals = chain.flatMap((link) => link.standing?.withdrawn ?? []);
  notes.cite(withdrawals.map((one) => one.statement));
  const ends = [...withdrawals.map((one) => endOf(one, asked.now)), ...(end === null ? [] : [end])];
  notes.dates.push(...ends);
  if (begins !== null) {
    notes.dates.push(begins);
    if (asked.time < begins) notes.refuse("delegation_not_yet_valid", `Its mandate begins on ${day(begins)}.`);
  }
  const over = least(ends);
  if (over === null) return;
  if (over <= asked.time) {
    notes.refuse("delegation_expired", `Its mandate ended on ${day(over)}.`);
  } else if (over <= asked.now) {
    notes.lose("later_delegation_expired", `It had a mandate then; the mandate ended on ${day(over)}.`);
  }
}
