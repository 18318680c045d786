/**
 * Judges one accreditation for a query, as of the time asked about and as of now.
 *
 * In this order, and all refusals are collected: the chain, the terms, the status, the scope cut by the limits of
 * every link, the key, and if all is well and the time is past, what came later.
 *
 * @module
 */

import { certainFrom, statusAt, termsAt } from "../domain/accreditations.js";
import { isAhead, met, saidBy, standing } from "../domain/facts.js";
import { CANDIDATE, NARROWING_EVENTS, rowOf, statusOfEvent, WIDENING_EVENTS, wordsOf } from "../domain/vocabulary.js";
import { about, day, TIME_MAX } from "../encoding/rfc3339.js";
import { chainOf, counts } from "./authority_chain.js";
import { publishersOf } from "./case.js";
import { judgeChain, limitsOf, overSince, sayMandate } from "./chain_notes.js";
import { keyAt } from "./issuer_keys.js";
import { Notes } from "./notes.js";
import { competencies, extentsOf, judgeScope } from "./scope_notes.js";
import { least } from "./verdict.js";

/** @typedef {import("../domain/accreditations.js").Status} Status */
/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./case.js").Case} Case */
/** @typedef {import("./verdict.js").Finding} Finding */
/** @typedef {import("./verdict.js").Reason} Reason */

/** @type {Readonly<Record<string, (key: string, time: string) => string>>} */
const KEY_TEXTS = {
  key_unknown: (key) => `${key} is not among the keys pinned for this issuer.`,
  key_not_yet_valid: (key, time) => `${key} was not yet valid on ${time}.`,
  key_expired: (key, time) => `${key} was no longer valid on ${time}.`,
  key_retired: (key, time) => `${key} had been retired by ${time}.`,
  key_compromised: (key, time) => `${key} is compromised; what it signed on ${time} proves nothing.`,
  key_in_doubt: (key) =>
    `It is in dispute which of this issuer's keys are compromised (${key} is one of them); an authority must decide.`,
};

/**
 * Return the finding on one accreditation of an issuer.
 *
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {RegistryRecord} record
 * @param {Chain} chain its accreditor's
 * @returns {Finding}
 */
export function judge(asked, issuer, record, chain) {
  const notes = new Notes();
  const publishers = publishersOf(asked, record);
  notes.cite([record.id]);
  judgeChain(asked, chain, notes);
  sayMandate(asked.mandates, chain, notes);
  judgeAnchors(asked, record, chain, notes);
  const terms = termsAt(record, asked.time, asked.now, asked.maxBackdating);
  /** @type {Status | null} */
  let status = null;
  if (terms.length) {
    judgeTerms(asked, terms, notes);
    status = statusAt(record, asked.time, asked.now);
    judgeStatus(asked, record, status, notes);
    judgeScope(asked, extentsOf(asked, record, terms), chain, publishers, notes);
    judgeCategories(asked, issuer, chain, publishers, notes);
  } else {
    notes.refusals.push(notYet(asked, record));
  }
  const existed = existedBy(asked, issuer, chain, publishers, notes);
  const isKeyGood = judgeKey(asked, issuer, chain, publishers, existed, notes);
  if (status !== null && asked.time < asked.now && notes.isGood) {
    judgeLater(asked, record, status, terms, chain, publishers, notes);
    if (notes.later.length && !isKeyGood) {
      if (existed !== null && existed < firstLoss(asked, record, terms, chain)) {
        notes.prove(existed);
      } else {
        notes.advise(
          "issuance_date_self_asserted",
          "Only the issuer vouches for this date: no key was shown to be valid at that time.",
        );
      }
    }
  }
  noteDates(asked, record, notes);
  const away = awayFrom(asked, record, status, notes);
  const of = { id: record.id, issuer: record.issuer, away };
  return notes.finding(accredited(record, terms, chain, status), chain, asked.now, of);
}

/**
 * Return the seconds from the time asked about to the nearest at which an accreditation stood.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Status | null} status
 * @param {Notes} notes
 * @returns {number}
 */
function awayFrom(asked, record, status, notes) {
  // What covers something else, or has not begun, is further away than anything that is over.
  if (status === null) return TIME_MAX + record.terms[0].valid_from - asked.time;
  const away = rowOf(status.word).newly === "not_trusted" ? asked.time - status.since : 0;
  return notes.refusals.some(({ code }) => code.endsWith("_not_covered")) ? away + TIME_MAX : away;
}

/**
 * Require proof, beyond its own date, that what gives trust was stated before its author's mandate ended.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Chain} chain
 * @param {Notes} notes
 */
function judgeAnchors(asked, record, chain, notes) {
  const over = overSince(asked, chain);
  if (over === null) return;
  const gives = [
    ...record.terms,
    ...record.events.filter((/** @type {RegistryRecord} */ one) => WIDENING_EVENTS.has(one.event)),
  ];
  if (gives.some((one) => "unanchored" in one)) {
    notes.miss(
      "unanchored",
      `Only its own date says that it was stated before the mandate of ${chain[0]?.name} ended on ${day(over)}. An` +
        " authority above can close the mandate and confirm which statements were made before it ended.",
    );
  }
}

/**
 * @param {Case} asked
 * @param {readonly RegistryRecord[]} terms
 * @param {Notes} notes
 */
function judgeTerms(asked, terms, notes) {
  notes.cite(terms.map((one) => one.statement));
  for (const one of terms) {
    if (asked.time < one.valid_from) notes.refuse("not_yet_valid", `It is valid from ${beginning(one)}.`);
    else if (asked.time < certainFrom(one)) {
      notes.miss(
        "start_approximate",
        `It began ${beginning(one)}, and no record says on which day: whether it had begun by ${day(asked.time)}` +
          " is not known.",
      );
    }
    if (isAhead(one, asked.now)) {
      notes.advise(
        "dated_ahead",
        `An amendment is dated ${day(met(one))}: what it takes away is gone already, what it gives waits for that day.`,
      );
    } else if (asked.time < met(one)) {
      const since = one.effective_from === one.valid_from ? beginning(one) : day(one.effective_from);
      notes.advise("recorded_later", `Valid from ${since}; recorded on ${day(met(one))}.`);
    }
    for (const condition of one.conditions ?? []) notes.advise("condition", `Condition: ${condition.text}`);
  }
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @returns {Reason}
 */
function notYet(asked, record) {
  const grant = record.terms[0];
  if (isAhead(grant, asked.now)) {
    const text = `It is dated ${day(met(grant))} and takes effect on that day: its signer's clock may have been wrong.`;
    return { code: "dated_ahead", text };
  }
  if (grant.effective_from <= asked.time) {
    const text = `It was stated on ${day(met(grant))}; the charter does not let it apply as early as ${day(asked.time)}.`;
    return { code: "before_backdating_limit", text };
  }
  return { code: "not_yet_valid", text: `It is valid from ${beginning(grant)}.` };
}

/**
 * Return when terms begin, as exactly as it is known: `1987-05-20`, `about 1987`.
 *
 * @param {RegistryRecord} terms
 * @returns {string}
 */
function beginning(terms) {
  const precision = terms.valid_from_precision;
  return precision === undefined ? day(terms.valid_from) : about(terms.valid_from, precision);
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Status} status
 * @param {Notes} notes
 */
function judgeStatus(asked, record, status, notes) {
  notes.cite(status.events);
  if (status.isStayed) notes.advise("stayed", "A decision against it is stayed while an appeal is heard.");
  const { newly } = rowOf(status.word);
  if (newly === "trusted") return;
  const reason = { code: `status_${status.word}`, text: statusText(asked, record, status) };
  if (newly === "advisory") notes.advisories.push(reason);
  else if (newly === "suspended") notes.suspensions.push(reason);
  else if (newly === "not_trusted") notes.refusals.push(reason);
  else judgeTeachOut(asked, status, reason, notes);
}

/**
 * @param {Case} asked
 * @param {Status} status
 * @param {Reason} reason
 * @param {Notes} notes
 */
function judgeTeachOut(asked, status, reason, notes) {
  const appliesTo = status.event?.applies_to;
  const program = asked.query.program ?? null;
  const programs = appliesTo.programs ?? null;
  if (programs === null || "cohorts_enrolled_before" in appliesTo) notes.unchecked.push("cohort");
  if (programs !== null && program === null) {
    notes.miss("program_needed", "It is being taught out in some programmes only: name the programme you ask about.");
  } else if (programs !== null && !programs.includes(program)) {
    notes.refuse("teach_out_not_covered", `${program} is not one of the programmes being taught out.`);
  }
  notes.advisories.push(reason);
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Status} status
 */
function statusText(asked, record, status) {
  const grant = record.terms[0];
  const isFirst = status.event === null && status.since === grant.valid_from;
  let text = asked.time < asked.now ? `Its status on ${day(asked.time)} was` : "Its status is";
  text += ` ${wordsOf(status.word)}, since ${isFirst ? beginning(grant) : day(status.since)}.`;
  const event = status.event ?? {};
  if ("reason_code" in event) {
    text += ` Reason: ${event.reason_text ?? event.reason_code.replaceAll("_", " ")}`;
    text += text.endsWith(".") ? "" : ".";
  }
  if (status.hasAppeal) text += " An appeal is open.";
  if ("successor" in event) text += ` Its successor is ${event.successor}.`;
  const isNow = (asked.query.time ?? null) === null;
  const isOver = rowOf(status.word).newly === "not_trusted" && event.void_from === undefined;
  if (isNow && isOver && status.since > grant.valid_from) {
    text += ` Its status was another until ${day(status.since)}: for a credential issued before then, ask with its date of issue.`;
  }
  return text;
}

/**
 * Check the issuer's stated categories against those to which each link's mandate is limited.
 *
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 * @param {Notes} notes
 */
function judgeCategories(asked, issuer, chain, publishers, notes) {
  for (const limits of limitsOf(chain)) {
    const allowed = limits.categories ?? "*";
    if (allowed === "*") continue;
    const stated = standing(saidBy(asked.now, issuer.stated)).filter((fact) => counts(fact, chain, publishers));
    /** @type {string[]} */
    const named = stated.flatMap((fact) => fact.facts.categories ?? []);
    const outside = named.filter((category) => !allowed.includes(category));
    if (outside.length) {
      notes.refuse("category_not_covered", `Its accreditor may not accredit ${outside.join(", ")}.`);
    } else if (!named.length) {
      const text = `Its accreditor may accredit ${allowed.join(", ")} only, and no authority that counts has stated its category.`;
      notes.miss("category_unknown", text);
    } else {
      notes.cite(stated.map((fact) => fact.statement));
    }
  }
}

/**
 * Return when the credential is known to have existed, seconds; null if that is not known.
 *
 * A commitment counts if its key was a good key of the issuer when a quorum held it, before anybody says that it was
 * stolen, and before anybody had said so. When it says that it was made, a thief can choose.
 *
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 * @param {Notes} notes
 * @returns {number | null}
 */
function existedBy(asked, issuer, chain, publishers, notes) {
  const existed = asked.query.existed_by ?? null;
  const key = asked.query.committed_with ?? null;
  if (existed === null || key === null) return existed;
  const answer = keyAt(issuer, key, existed, asked.now, (said) => counts(said, chain, publishers));
  notes.cite(answer.statements);
  notes.dates.push(...answer.dates);
  if (answer.state === "good" && (answer.safeBefore === null || existed < answer.safeBefore)) return existed;
  notes.advise(
    "commitment_not_counted",
    "The receipt proves nothing: the key that committed to it is not known to have been a good key of this issuer" +
      ` on ${day(existed)}.`,
  );
  return null;
}

/**
 * Return from when on something took trust away after the time asked about, seconds, even if it was given back since.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {readonly RegistryRecord[]} terms
 * @param {Chain} chain
 * @returns {number}
 */
function firstLoss(asked, record, terms, chain) {
  /** @type {readonly RegistryRecord[]} */
  const stated = record.terms;
  const over = overSince(asked, chain);
  /** @type {number[]} */
  const starts = [
    ...record.events
      .filter((/** @type {RegistryRecord} */ event) => NARROWING_EVENTS.has(event.event))
      .filter((/** @type {RegistryRecord} */ event) => {
        const { newly } = rowOf(statusOfEvent(event));
        return newly !== "trusted" && newly !== "advisory";
      })
      .map((/** @type {RegistryRecord} */ event) => event.void_from ?? event.effective_from),
    ...stated.flatMap((one) => one.valid_until ?? []),
    ...stated.filter((one) => !terms.includes(one)).map((one) => one.effective_from),
    ...(over === null ? [] : [over]),
  ];
  return least(starts.filter((start) => start > asked.time)) ?? TIME_MAX + 1;
}

/**
 * Note what is known of the key; return whether it was good at the time and still is not known to be compromised.
 *
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 * @param {number | null} existed when the credential is known to have existed, seconds
 * @param {Notes} notes
 */
function judgeKey(asked, issuer, chain, publishers, existed, notes) {
  const key = asked.query.key ?? null;
  if (key === null) {
    notes.unchecked.push("key");
    return false;
  }
  const answer = keyAt(issuer, key, asked.time, asked.now, (said) => counts(said, chain, publishers));
  notes.cite(answer.statements);
  notes.dates.push(...answer.dates);
  if (answer.state === "no_pinned_keys") {
    notes.unchecked.push("key");
    notes.advise("no_pinned_keys", "No keys are pinned for this issuer, so its signature was not checked.");
    return false;
  }
  if (answer.state !== "good") {
    const text = /** @type {(key: string, time: string) => string} */ (KEY_TEXTS[answer.state])(key, day(asked.time));
    if (answer.state === "key_in_doubt") notes.miss(answer.state, text);
    else notes.refuse(answer.state, text);
    return false;
  }
  const overs = answer.unanchored.map((voice) => overSince(asked, chainOf(asked.records, voice)));
  if (overs.length && overs.every((over) => over !== null)) {
    notes.miss(
      "key_unanchored",
      `Only its own date says that ${key} was stated before the mandate it was stated under ended. An` +
        " authority above can close the mandate and confirm which statements were made before it ended.",
    );
    return false;
  }
  const stolen = [answer.compromisedLater, answer.doubtedLater].filter((one) => one !== null && one <= asked.now);
  if (stolen.length && existed !== null && answer.safeBefore !== null && existed < answer.safeBefore) {
    notes.prove(existed);
    return true;
  }
  if (answer.compromisedLater !== null && answer.compromisedLater <= asked.now) {
    const since = day(answer.compromisedLater);
    notes.advise(
      "key_compromised_later",
      `The key has been compromised since ${since}: a thief can sign with earlier dates.`,
    );
    return false;
  }
  if (answer.doubtedLater !== null && answer.doubtedLater <= asked.now) {
    notes.advise(
      "key_in_doubt_later",
      `It is in dispute which of this issuer's keys are compromised; this one may have been stolen by ${day(answer.doubtedLater)}.`,
    );
    return false;
  }
  return true;
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Status} then
 * @param {readonly RegistryRecord[]} terms
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 * @param {Notes} notes
 */
function judgeLater(asked, record, then, terms, chain, publishers, notes) {
  const status = statusAt(record, asked.now, asked.now);
  const { earlier } = rowOf(status.word);
  if (earlier !== "trusted" && !(status.word === then.word && status.since === then.since)) {
    notes.cite(status.events);
    const was = then.word === CANDIDATE ? "a candidate for accreditation" : "accredited";
    const words = wordsOf(status.word);
    const text = `It was ${was} on ${day(asked.time)}; its status has been ${words} since ${day(status.since)}.`;
    notes.lose(`later_${status.word}`, text);
    if (earlier === "historical_with_advisory") notes.advise("suspended_now", "It is suspended at present.");
  }
  const now = termsAt(record, asked.now, asked.now, asked.maxBackdating);
  const isSame = now.length === terms.length && now.every((one, at) => one === terms[at]);
  if (!isSame || notes.mapped.length) {
    const known = competencies(asked, asked.now, chain, publishers);
    const isWanting = extentsOf(asked, record, now).some((extent) =>
      known.covers(extent, asked.query).some(({ outcome }) => outcome === "not_covered" || outcome === "unknown"),
    );
    if (isWanting) {
      notes.cite([...now.map((one) => one.statement), ...known.cited]);
      notes.lose("later_scope", "Its scope covered this then, but no longer does.");
    }
  }
}

/**
 * @param {RegistryRecord} record
 * @param {readonly RegistryRecord[]} terms
 * @param {Chain} chain
 * @param {Status | null} status
 * @returns {Reason}
 */
function accredited(record, terms, chain, status) {
  const until = least(terms.flatMap((one) => one.valid_until ?? []));
  const since = beginning(record.terms[0]);
  const span = until === null ? `from ${since} on` : `from ${since} until ${day(until)}`;
  const held = status?.word === CANDIDATE ? "Candidate for accreditation" : "Accredited";
  return { code: "accredited", text: `${held} by ${chain[0]?.name} (${record.kind}, ${record.level}), ${span}.` };
}

/**
 * Note the dates at which this accreditation may change by itself.
 *
 * @param {Case} asked
 * @param {RegistryRecord} record
 * @param {Notes} notes
 */
function noteDates(asked, record, notes) {
  /** @type {readonly RegistryRecord[]} */
  const stated = record.terms;
  notes.dates.push(...stated.map((one) => one.effective_from));
  for (const one of [...stated, ...record.events]) if (isAhead(one, asked.now)) notes.dates.push(met(one));
  // Of a lone grant the terms are the same whether they stand yet or not.
  const standNow = stated.length === 1 ? stated : termsAt(record, asked.now, asked.now);
  for (const one of standNow.length ? standNow : stated) {
    notes.dates.push(one.valid_from, certainFrom(one));
    if ("valid_until" in one) notes.dates.push(one.valid_until);
  }
  for (const one of record.events) {
    notes.dates.push(one.effective_from);
    if ("effective_until" in one) notes.dates.push(one.effective_until);
  }
}
