/**
 * The words of the domain, as data: what each means for a decision.
 *
 * @module
 */

import { DecodeError } from "../errors.js";

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */
/**
 * The meaning of a status: how restrictive it is (1 the most), for credentials issued while it lasts, and for those
 * issued before.
 *
 * @typedef {object} StatusRow
 * @property {number} rank
 * @property {"trusted" | "advisory" | "suspended" | "listed_programs" | "not_trusted"} newly
 * @property {"trusted" | "historical" | "historical_with_advisory"} earlier
 */

/** @type {Readonly<Record<string, string>>} each achievement type that has one, and the next broader one */
const BROADER = {
  ApprenticeshipCertificate: "Certificate",
  AssociateDegree: "Degree",
  BachelorDegree: "Degree",
  CertificateOfCompletion: "Certificate",
  DoctoralDegree: "Degree",
  GeneralEducationDevelopment: "Diploma",
  JourneymanCertificate: "Certificate",
  MasterCertificate: "Certificate",
  MasterDegree: "Degree",
  ProfessionalDoctorate: "DoctoralDegree",
  ResearchDoctorate: "DoctoralDegree",
  SecondarySchoolDiploma: "Diploma",
};

/** Credential types that say how something is attested and nothing of what. */
export const ENVELOPES = new Set([
  "VerifiableCredential",
  "EnvelopedVerifiableCredential",
  "VerifiablePresentation",
  "AchievementCredential",
  "OpenBadgeCredential",
  "ClrCredential",
  "EndorsementCredential",
]);

/** Every credential is one of these, so naming it asks nothing. */
export const UNIVERSAL_CREDENTIAL_TYPES = new Set(["VerifiableCredential", "EnvelopedVerifiableCredential"]);

const NAMESPACES = [
  "https://www.w3.org/2018/credentials#",
  "https://purl.imsglobal.org/spec/vc/ob/vocab.html#",
  "https://purl.imsglobal.org/spec/vc/clr/vocab.html#",
];

export const NARROWING_EVENTS = new Set([
  "suspend",
  "sanction",
  "condition",
  "withdraw",
  "expire",
  "teach_out",
  "close",
  "supersede",
  "revoke",
  "deny",
]);
export const WIDENING_EVENTS = new Set(["lift", "renew", "reinstate", "stay", "annul", "appeal_open", "appeal_decide"]);

/** The rank of a revocation that reaches back: before all others. */
export const VOID_RANK = 0;

/** @type {Readonly<Record<string, StatusRow>>} */
export const STATUSES = {
  revoked: { rank: 1, newly: "not_trusted", earlier: "historical" },
  denied: { rank: 2, newly: "not_trusted", earlier: "historical" },
  withdrawn: { rank: 3, newly: "not_trusted", earlier: "historical" },
  withdrawn_voluntary: { rank: 3, newly: "not_trusted", earlier: "historical" },
  closed: { rank: 3, newly: "not_trusted", earlier: "historical" },
  superseded: { rank: 3, newly: "not_trusted", earlier: "historical" },
  expired: { rank: 3, newly: "not_trusted", earlier: "historical" },
  suspended: { rank: 4, newly: "suspended", earlier: "historical_with_advisory" },
  teach_out: { rank: 5, newly: "listed_programs", earlier: "historical" },
  show_cause: { rank: 6, newly: "advisory", earlier: "trusted" },
  probation: { rank: 7, newly: "advisory", earlier: "trusted" },
  warning: { rank: 8, newly: "advisory", earlier: "trusted" },
  conditional: { rank: 9, newly: "advisory", earlier: "trusted" },
  candidate: { rank: 10, newly: "advisory", earlier: "trusted" },
  active: { rank: 11, newly: "trusted", earlier: "trusted" },
};

/** The status of those who are not accredited yet; a sentence about them must not say that they were. */
export const CANDIDATE = "candidate";

/**
 * Return a status for a sentence: `show cause`, `withdrawn voluntarily`.
 *
 * @param {string} status
 * @returns {string}
 */
export function wordsOf(status) {
  return status === "withdrawn_voluntary" ? "withdrawn voluntarily" : status.replaceAll("_", " ");
}

/** @type {Readonly<Record<string, string>>} */
const STATUS_OF_EVENT = {
  suspend: "suspended",
  condition: "conditional",
  withdraw: "withdrawn",
  expire: "expired",
  teach_out: "teach_out",
  close: "closed",
  supersede: "superseded",
  revoke: "revoked",
  deny: "denied",
};

/**
 * Return the row of a status.
 *
 * @param {string} word
 * @returns {StatusRow}
 * @throws {DecodeError} there is no such status
 */
export function rowOf(word) {
  const row = STATUSES[word];
  if (row === undefined) throw new DecodeError("bad_status", `${word} is no status.`);
  return row;
}

/**
 * Return the status that a narrowing event brings.
 *
 * @param {RegistryRecord} event
 * @returns {string}
 * @throws {DecodeError} the event is not a narrowing one
 */
export function statusOfEvent(event) {
  if (event.event === "sanction") return String(event.sanction_level);
  if (event.event === "withdraw" && event.reason_code === "voluntary") return "withdrawn_voluntary";
  const word = STATUS_OF_EVENT[event.event];
  if (word === undefined) throw new DecodeError("bad_event", `${event.event} brings no status of its own.`);
  return word;
}

/**
 * Return an achievement type, then each broader one: what a scope may name to cover it.
 *
 * @param {string} type
 * @returns {string[]}
 */
export function withAncestors(type) {
  const found = [type];
  for (let broader = broaderOf(type); broader !== undefined; broader = broaderOf(broader)) found.push(broader);
  return found;
}

/** @param {string} type */
function broaderOf(type) {
  return Object.hasOwn(BROADER, type) ? BROADER[type] : undefined;
}

/**
 * Return the short name of a credential type written as an IRI of the W3C or 1EdTech vocabularies; any other as it is.
 *
 * @param {string} type
 * @returns {string}
 */
export function credentialTypeName(type) {
  const namespace = NAMESPACES.find((one) => type.startsWith(one)) ?? "";
  const name = type.slice(namespace.length);
  return name === "AchievementCredential" ? "OpenBadgeCredential" : name; // one class: Open Badges 3.0 section B.1
}
