/**
 * `decide(query, records, now, ecosystemId)`: the registry's one answer. Pure; the same on a node, in a browser, on a
 * plane.
 *
 * Whom it asks: the accreditations of the issuer that the entity names, directly or by an alias that counts, made by an
 * authority that the query accepts. `accreditation` judges each; the best finding decides. For the action `accredit`,
 * the mandates of an authority take the place of accreditations.
 *
 * @module
 */

import { endOf, isAhead, met, nameOf, saidBy, standing } from "../domain/facts.js";
import { characters, compareText } from "../encoding/bytes.js";
import { IDENTIFIER_CHARS } from "../encoding/identifiers.js";
import { day } from "../encoding/rfc3339.js";
import { DecodeError } from "../errors.js";
import { judge } from "./accreditation.js";
import { chainOf, counts, mandatesOf, voiceOf } from "./authority_chain.js";
import { publishersOf } from "./case.js";
import { judgeMandate } from "./mandate.js";
import { ACCREDIT, ISSUE, mandateNamed, spelled, spelledAuthority } from "./query.js";
import { compareFindings, isAuthorized, least, open } from "./verdict.js";

/** Seconds that a question may be ahead of the answerer's clock and be about now. */
const CLOCK_SLACK = 300;
const APPLY_LINKS = 5;
const OTHER_MANDATES = 3;

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("../evidence/proved_records.js").Records} Records */
/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./authority_chain.js").Voice} Voice */
/** @typedef {import("./case.js").Case} Case */
/** @typedef {import("./query.js").Query} Query */
/** @typedef {import("./verdict.js").Decision} Decision */
/** @typedef {import("./verdict.js").Finding} Finding */
/** @typedef {import("./verdict.js").Verdict} Verdict */

/**
 * Return whether the entity may do what is asked, as of the time asked.
 *
 * @param {Query} query
 * @param {Records} records
 * @param {number} now the answerer's clock, seconds since 1970
 * @param {string} ecosystemId the charter's id, under which `records` has the charter
 * @returns {Decision}
 */
export function decide(query, records, now, ecosystemId) {
  let opened, entity;
  try {
    opened = openCase(query, records, now, ecosystemId);
    entity = spelled(query.entity);
  } catch (error) {
    if (error instanceof UnanswerableError) return open(query, now, "indeterminate", error.code, error.message);
    if (!(error instanceof DecodeError)) throw error;
    return open(
      query,
      now,
      "indeterminate",
      "bad_identifier",
      `The question does not name a valid entity: ${error.message}`,
    );
  }
  const { asked, charter, accepted } = opened;
  if (characters(entity) > IDENTIFIER_CHARS) {
    return nothingFound(asked, entity, null, accepted, [], charter); // no record can have such an id
  }
  if (actionOf(query) === ACCREDIT) return decideMandate(asked, entity, accepted, charter, mandateNamed(query.entity));
  return decideIssue(asked, entity, accepted, charter);
}

class UnanswerableError extends Error {
  /**
   * @param {string} code
   * @param {string} text
   */
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

/** @param {Query} query */
function actionOf(query) {
  return query.action ?? ISSUE;
}

/**
 * @param {Query} query
 * @param {Records} records
 * @param {number} now
 * @param {string} ecosystemId
 * @returns {{asked: Case, charter: RegistryRecord, accepted: string | null}}
 */
function openCase(query, records, now, ecosystemId) {
  const charter = records.get("charter", ecosystemId);
  if (charter === null)
    throw new UnanswerableError("no_charter", `No charter of ${ecosystemId} is in effect here yet.`);
  let accepted = null;
  /** @type {Voice[] | null} */
  let mandates = null;
  if (query.authority !== ecosystemId) {
    accepted = spelledAuthority(query.authority);
    mandates = mandatesMeant(records, spelled(query.authority), mandateNamed(query.authority));
    if (!mandates.length) {
      throw new UnanswerableError("unknown_authority", `${accepted} is not an authority of this ecosystem.`);
    }
  }
  const time = query.time ?? now;
  if (time > now + CLOCK_SLACK) {
    throw new UnanswerableError("future_time", `${day(time)} is in the future; ask about a time up to now.`);
  }
  const action = actionOf(query);
  if (action !== ISSUE && action !== ACCREDIT) {
    throw new UnanswerableError("unknown_action", `${action} is not a known action; ask about issue or accredit.`);
  }
  const asked = {
    query: resolved(query, records),
    records,
    time: Math.min(time, now),
    now,
    publishers: new Set((charter.publishers ?? []).map((/** @type {string} */ by) => voiceOf({ by, via: null }))),
    maxBackdating: charter.max_backdating ?? null,
    mandates: mandates === null ? null : new Set(mandates.map(voiceOf)),
  };
  return { asked, charter, accepted };
}

/**
 * Return the mandates that a body holds and a question means: the one delegation it names, or all that count by the id.
 *
 * @param {Records} records
 * @param {string} id
 * @param {string | null} via
 * @returns {Voice[]}
 */
function mandatesMeant(records, id, via) {
  const record = records.get("authority", id);
  if (record === null) return [];
  if (via === null) return mandatesOf(record);
  return record.standings.some((/** @type {RegistryRecord} */ one) => one.via === via) ? [{ by: id, via }] : [];
}

/**
 * Return the query with its ambiguous resource read: a framework if the registry has one so named, else a competency.
 *
 * @param {Query} query
 * @param {Records} records
 * @returns {Query}
 */
function resolved(query, records) {
  const { resource, ...rest } = query;
  if (resource === undefined || resource === null) return query;
  if (records.get("framework", resource) !== null && records.get("competency", resource) === null) {
    return { ...rest, framework: query.framework || resource };
  }
  return { ...rest, competencies: [...(query.competencies ?? []), resource] };
}

// ------------------------------------------------------------------------------------------------ issuers

/**
 * @param {Case} asked
 * @param {string} entity
 * @param {string | null} accepted
 * @param {RegistryRecord} charter
 * @returns {Decision}
 */
function decideIssue(asked, entity, accepted, charter) {
  const { records } = asked;
  let issuer = records.get("issuer", entity);
  /** @type {Finding[]} */
  const findings = [];
  /** @type {string[]} */
  const missing = [];
  if (issuer !== null) judgeAll(asked, issuer, null, findings, missing);
  if (!findings.some(isAuthorized)) {
    // An alias counts where an authority of the accreditation's own chain stated it; so nobody's alias can take
    // another's accreditation over, and several claims to one alias do not stand in each other's way.
    const alias = records.get("alias", entity);
    for (const id of alias === null ? [] : alias.issuers) {
      const named = records.get("issuer", id);
      if (named === null) {
        missing.push(`issuer ${id}`);
      } else if (id !== entity) {
        const before = findings.length;
        judgeAll(asked, named, entity, findings, missing);
        issuer ??= findings.length > before ? named : null;
      }
    }
  }
  if (!findings.length) return nothingFound(asked, entity, issuer, accepted, missing, charter);
  return combine(asked, findings, missing);
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {string | null} alias
 * @param {Finding[]} findings
 * @param {string[]} missing
 */
function judgeAll(asked, issuer, alias, findings, missing) {
  for (const [id] of issuer.accreditations) {
    const record = asked.records.get("accreditation", id);
    if (record === null) {
      missing.push(`accreditation ${id}`);
      continue;
    }
    const chain = chainOf(asked.records, { by: record.by, via: record.via });
    const { mandates } = asked;
    if (mandates !== null && !chain.some((link) => mandates.has(voiceOf(link)))) continue;
    if (alias === null || isKnownAs(asked, issuer, alias, chain, publishersOf(asked, record))) {
      findings.push(judge(asked, issuer, record, chain));
    }
  }
}

/**
 * @param {Case} asked
 * @param {RegistryRecord} issuer
 * @param {string} alias
 * @param {Chain} chain
 * @param {ReadonlySet<string>} publishers
 */
function isKnownAs(asked, issuer, alias, chain, publishers) {
  return standing(saidBy(asked.now, issuer.stated)).some(
    (fact) => (fact.facts.also_known_as ?? []).includes(alias) && counts(fact, chain, publishers),
  );
}

/**
 * @param {Case} asked
 * @param {string} entity
 * @param {RegistryRecord | null} issuer
 * @param {string | null} accepted
 * @param {readonly string[]} missing
 * @param {RegistryRecord} charter
 * @returns {Decision}
 */
function nothingFound(asked, entity, issuer, accepted, missing, charter) {
  const { query, now } = asked;
  if (missing.length) {
    const text = `These records are missing here: ${missing.join(", ")}.`;
    return { ...open(query, now, "indeterminate", "record_missing", text), unchecked: missing };
  }
  const apply = whereToApply(asked.records, charter, accepted);
  if (issuer === null) {
    return open(query, now, "unknown_issuer", "unknown_issuer", `${entity} is not in this registry.${apply}`);
  }
  let [code, text] = ["no_accreditation", `${entity} is registered, but no authority has accredited it.${apply}`];
  if (issuer.accreditations.length) {
    code = "not_by_this_authority";
    text = `Neither ${accepted} nor a delegate of it has accredited ${entity}.${otherMandates(asked, accepted)}`;
  }
  return { ...open(query, now, "not_trusted", code, text), issuer: issuer.id, issuer_name: nameOf(issuer) };
}

/**
 * Return how to ask about the mandates that an id does not stand for by itself: those from before the charter named it.
 *
 * @param {Case} asked
 * @param {string | null} accepted
 */
function otherMandates(asked, accepted) {
  const { mandates } = asked;
  if (accepted === null || mandates === null || accepted.includes("#")) return "";
  /** @type {RegistryRecord[]} */
  const standings = asked.records.get("authority", accepted)?.standings;
  const held = standings.filter(({ via }) => !mandates.has(voiceOf({ by: accepted, via })));
  const named = held.slice(0, OTHER_MANDATES).map(({ via }) => `${accepted}#${via}`);
  return named.length ? ` It was a delegate earlier: to ask about that mandate, name ${named.join(" or ")}.` : "";
}

/**
 * @param {Records} records
 * @param {RegistryRecord} charter
 * @param {string | null} accepted
 */
function whereToApply(records, charter, accepted) {
  const links = [];
  for (const id of accepted === null ? charter.authorities : [spelled(accepted)]) {
    const record = records.get("authority", id);
    if (record === null) continue;
    const counting = mandatesOf(record).map((one) => one.via);
    for (const one of record.standings) {
      if (one.withdrawn === null && "apply_url" in one && counting.includes(one.via))
        links.push(`${one.name}, ${one.apply_url}`);
    }
  }
  return links.length ? ` To apply: ${links.slice(0, APPLY_LINKS).join("; ")}` : "";
}

/**
 * Return the decision that the best finding makes; one that might be bettered by a record not held says so.
 *
 * @param {Case} asked
 * @param {Finding[]} findings
 * @param {readonly string[]} missing
 * @returns {Decision}
 */
function combine(asked, findings, missing) {
  const [best, ...others] = /** @type {[Finding, ...Finding[]]} */ (findings.toSorted(compareFindings));
  let { verdict, reasons } = best;
  if (missing.length && !isAuthorized(best)) {
    const text = `These records are missing here: ${missing.join(", ")}.`;
    [verdict, reasons] = ["indeterminate", [{ code: "record_missing", text }, ...reasons]];
  }
  const record = best.issuer === null ? null : asked.records.get("issuer", best.issuer);
  return {
    verdict,
    reasons,
    time_evaluated: asked.now,
    time_requested: asked.query.time ?? null,
    accreditations: best.id === null ? [] : [best.id],
    others: others.flatMap((one) =>
      one.id === null ? [] : [{ accreditation: one.id, verdict: one.verdict, code: String(one.reasons[0]?.code) }],
    ),
    statements: best.statements,
    chain: best.chain.map(({ by, via }) => /** @type {const} */ ([by, via])),
    unchecked: [...best.unchecked, ...missing],
    valid_until: least(findings.flatMap((one) => one.dates)),
    issuer: best.issuer,
    issuer_name: record === null ? null : nameOf(record, best.chain),
  };
}

// ------------------------------------------------------------------------------------------------ authorities

/**
 * @param {Case} asked
 * @param {string} entity
 * @param {string | null} accepted
 * @param {RegistryRecord} charter
 * @param {string | null} via
 * @returns {Decision}
 */
function decideMandate(asked, entity, accepted, charter, via) {
  const { query, now, mandates } = asked;
  const record = asked.records.get("authority", entity);
  const held = mandatesMeant(asked.records, entity, via);
  if (record === null || !held.length) {
    const text = `${entity} is not an authority of this ecosystem.${whereToApply(asked.records, charter, accepted)}`;
    return open(query, now, "unknown_issuer", "unknown_entity", text);
  }
  const voices = new Set(held.map(voiceOf));
  const findings = held
    .map((voice) => chainOf(asked.records, voice))
    .filter((chain) => mandates === null || chain.slice(1).some((link) => mandates.has(voiceOf(link))))
    .map((chain) => judgeMandate(asked, chain, voices));
  if (!findings.length) {
    return open(query, now, "not_trusted", "not_by_this_authority", `${accepted} has not given ${entity} a mandate.`);
  }
  const decision = combine(asked, findings, []);
  const [, of] = decision.chain[0] ?? [entity, null];
  const own = record.standings.find((/** @type {RegistryRecord} */ one) => one.via === of);
  return { ...decision, issuer: entity, issuer_name: String(own.name) };
}

// ------------------------------------------------------------------------------------------------ recognition

/**
 * Return whether this ecosystem recognises another one, or an authority, for an action (TRQP 2.0 recognition).
 *
 * @param {Query} query
 * @param {Records} records
 * @param {number} now the answerer's clock, seconds since 1970
 * @param {string} ecosystemId
 * @returns {Decision}
 */
export function decideRecognition(query, records, now, ecosystemId) {
  const charter = records.get("charter", ecosystemId);
  const time = query.time ?? now;
  if (charter === null) {
    return open(query, now, "indeterminate", "no_charter", `No charter of ${ecosystemId} is in effect here yet.`);
  }
  if (time > now + CLOCK_SLACK) {
    const text = `${day(time)} is in the future; ask about a time up to now.`;
    return open(query, now, "indeterminate", "future_time", text);
  }
  let entity;
  try {
    entity = spelled(query.entity);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return open(
      query,
      now,
      "indeterminate",
      "bad_identifier",
      `The question does not name a valid entity: ${error.message}`,
    );
  }
  if (entity === ecosystemId || charter.authorities.includes(entity)) {
    return open(query, now, "trusted", "own_authority", `${entity} belongs to this ecosystem.`);
  }
  const record = records.get("recognition", entity);
  if (record === null) {
    return open(query, now, "not_trusted", "not_recognized", `This ecosystem has not recognised ${entity}.`);
  }
  return bestRecognition(query, record, Math.min(time, now), now);
}

/**
 * @param {Query} query
 * @param {RegistryRecord} record
 * @param {number} time
 * @param {number} now
 * @returns {Decision}
 */
function bestRecognition(query, record, time, now) {
  /** @type {Finding[]} */
  const findings = record.granted.map((/** @type {RegistryRecord} */ one) => recognitionOf(query, one, time, now));
  const inOrder = findings.toSorted(
    (one, other) => compareFindings(one, other) || compareText(one.statements.join(), other.statements.join()),
  );
  const best = /** @type {Finding} */ (inOrder[0]);
  return {
    ...open(query, now, best.verdict, "", ""),
    reasons: best.reasons,
    statements: best.statements,
    valid_until: least(findings.flatMap((one) => one.dates)),
    issuer: record.id,
    issuer_name: String(record.granted[0].name),
  };
}

/**
 * @param {Query} query
 * @param {RegistryRecord} granted
 * @param {number} time
 * @param {number} now
 * @returns {Finding}
 */
function recognitionOf(query, granted, time, now) {
  const { name, withdrawn } = granted;
  const stated = granted.valid_from ?? met(granted);
  const begins = isAhead(granted, now) ? Math.max(stated, met(granted)) : stated;
  const ends = [
    ...("valid_until" in granted ? [granted.valid_until] : []),
    ...(withdrawn === null ? [] : [endOf(withdrawn, now)]),
  ];
  const end = least(ends);
  const action = actionOf(query);
  /** @type {[Verdict, string, string]} */
  let [verdict, code, text] = ["trusted", "recognized", `${name} has been recognised since ${day(begins)}.`];
  if (!granted.actions.includes(action) && !granted.actions.includes("*")) {
    [verdict, code, text] = ["not_trusted", "action_not_covered", `${name} is recognised, but not for ${action}.`];
  } else if (time < begins) {
    [verdict, code, text] = ["not_trusted", "not_yet_valid", `Recognition of ${name} begins on ${day(begins)}.`];
  } else if (end !== null && end <= time) {
    [verdict, code, text] = ["not_trusted", "recognition_ended", `${name} was recognised until ${day(end)}.`];
  } else if (end !== null && end <= now) {
    const said = `${name} was recognised on ${day(time)}; the recognition ended on ${day(end)}.`;
    [verdict, code, text] = ["trusted_historical", "later_ended", said];
  }
  return {
    verdict,
    reasons: [{ code, text }],
    id: null,
    issuer: null,
    statements: [granted.statement, ...(withdrawn === null ? [] : [withdrawn.statement])],
    chain: [],
    unchecked: [],
    dates: [begins, ...ends].filter((date) => date > now),
  };
}
