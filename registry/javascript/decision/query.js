/**
 * A question to the registry: who may do what, under whom, and for which credential, as precisely as the asker can say.
 *
 * @module
 */

import { characters } from "../encoding/bytes.js";
import { canonical, IDENTIFIER_CHARS, withoutFragment } from "../encoding/identifiers.js";
import { TIME_MAX, TIME_MIN } from "../encoding/rfc3339.js";
import { DecodeError } from "../errors.js";

export const ISSUE = "issue";
export const ACCREDIT = "accredit";

/** The longest id that a question may be about: longer than a record's can be. */
export const ENTITY_CHARS = 4096;
const LIST_ITEMS = 800;
const LEVEL_MAX = 2 ** 31;

/**
 * One question. Members that are not asked are left out.
 *
 * @typedef {object} Query
 * @property {string} entity id of the issuer (or authority), as the credential spells it
 * @property {string} authority id of the ecosystem, or of one authority; `id#` and the 64 hexadecimal digits of a
 *     delegation mean the body under that mandate alone
 * @property {string} [action] `issue` (the default), or `accredit` for authorities
 * @property {string} [resource] an address that may name a framework or a competency
 * @property {number} [time] as of when, seconds since 1970; left out: now
 * @property {readonly string[]} [credential_types]
 * @property {readonly string[]} [achievement_types]
 * @property {readonly string[]} [competencies]
 * @property {string} [framework]
 * @property {readonly [string, number]} [level] scheme and number, as in `["EQF", 6]`
 * @property {string} [jurisdiction]
 * @property {string} [program]
 * @property {readonly [string, string]} [field_of_study] scheme and code, as in `["cip", "51.3801"]`
 * @property {string} [delivery_mode]
 * @property {string} [key] the verification method a credential was signed with, or the key as multibase or did:key
 * @property {number} [existed_by] when it is known to have existed, seconds since 1970
 * @property {string} [committed_with] the issuer's key that committed to it, if that is how it is known
 */

/** @type {(value: unknown, most?: number) => boolean} */
const isText = (value, most = IDENTIFIER_CHARS) => typeof value === "string" && characters(value) <= most;
/** @type {(value: unknown) => boolean} */
const areTexts = (value) =>
  Array.isArray(value) && value.length >= 1 && value.length <= LIST_ITEMS && value.every((one) => isText(one));
/** @type {(value: unknown, least: number, most: number) => boolean} */
const isInteger = (value, least, most) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

/** @type {Record<string, (value: any) => boolean>} */
const MEMBERS = {
  entity: (value) => isText(value, ENTITY_CHARS),
  authority: isText,
  action: isText,
  resource: isText,
  time: (value) => isInteger(value, TIME_MIN, TIME_MAX),
  credential_types: areTexts,
  achievement_types: areTexts,
  competencies: areTexts,
  framework: isText,
  level: (value) => isPair(value) && isInteger(value[1], -LEVEL_MAX, LEVEL_MAX),
  jurisdiction: isText,
  program: isText,
  field_of_study: (value) => isPair(value) && isText(value[1]),
  delivery_mode: isText,
  key: isText,
  existed_by: (value) => isInteger(value, TIME_MIN, TIME_MAX),
  committed_with: isText,
};

/** @param {unknown} value */
function isPair(value) {
  return Array.isArray(value) && value.length === 2 && isText(value[0]);
}

/**
 * Return a question as it travels in evidence, checked.
 *
 * @param {any} value
 * @returns {Query}
 * @throws {DecodeError} a member is not of its form, unknown, or missing
 */
export function checkQuery(value) {
  for (const name of Object.keys(value)) {
    const check = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
    if (check === undefined) throw new DecodeError("unknown_member", `query: there is no member ${name}.`);
    if (!check(value[name])) throw new DecodeError("bad_member", `query.${name}: not of its form.`);
  }
  for (const name of ["entity", "authority", "action"]) {
    if (!(name in value))
      throw new DecodeError("missing_member", `query: the member ${name} is missing.`, `Add ${name}.`);
  }
  return value;
}

/**
 * Return a question as it travels in evidence: the action said, members that are not asked (null or an empty list)
 * left out.
 *
 * @param {Query} query
 * @returns {Query}
 * @throws {DecodeError} it is not a question
 */
export function encodeQuery(query) {
  const isAsked = (/** @type {unknown} */ value) =>
    value !== undefined && value !== null && !(Array.isArray(value) && !value.length);
  const asked = Object.entries(query).filter(([, value]) => isAsked(value));
  return checkQuery({ action: ISSUE, ...Object.fromEntries(asked) });
}

/**
 * Return the delegation, in hexadecimal, that an authority's id in a question names after its `#`; null if it names
 * none.
 *
 * @param {string} authority
 * @returns {string | null}
 */
export function mandateNamed(authority) {
  const at = authority.indexOf("#");
  const fragment = at < 0 ? "" : authority.slice(at + 1);
  return /^[0-9a-f]{64}$/.test(fragment) ? fragment : null;
}

/**
 * Return an authority's id in its one spelling, with the mandate that it names, if any; `spelled` otherwise.
 *
 * @param {string} id
 * @returns {string}
 * @throws {DecodeError} it is no identifier
 */
export function spelledAuthority(id) {
  const via = mandateNamed(id);
  return via === null ? spelled(id) : `${spelled(id)}#${via}`;
}

/**
 * Return an issuer's or authority's id in its one spelling, without fragment.
 *
 * @param {string} id
 * @returns {string}
 * @throws {DecodeError} it is no identifier
 */
export function spelled(id) {
  return canonical(withoutFragment(id), ENTITY_CHARS);
}
