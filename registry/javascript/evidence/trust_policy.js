/**
 * The verifier's trust policy: all that it takes on faith, in one file a person can read.
 *
 *     accredit trust policy 1
 *     ecosystem <genesis statement's id, hex>
 *     charter <id of the ecosystem>
 *     step <version> <id of the charter statement last followed, hex>
 *     max-age <seconds>
 *     expires <RFC 3339 time in UTC>
 *     verified <number of statements> <base64 state root>        or: verified 0
 *     rely-on <id of an authority, or of the ecosystem>          one or more lines, sorted
 *                                                                an empty line
 *     witness <name> <vkey>                                      from here on a C2SP tlog-policy
 *     group signers <k> <name> ...
 *     quorum signers
 *
 * Signers come from here, never from the state that is checked. It is good until `expires`, at most 90 days ahead.
 *
 * @module
 */

import { base64, compareText, hex, isDigest, textOf, unbase64Strictly, unhex, utf8 } from "../encoding/bytes.js";
import { canonicalIssuer } from "../encoding/identifiers.js";
import { parse, text } from "../encoding/rfc3339.js";
import { DecodeError, RefusedError } from "../errors.js";
import { decodeCount } from "../transparency/state_note.js";
import { NONE, Policy, POLICY_BYTES_MAX } from "../transparency/tlog_policy.js";

/** Seconds a trust policy is good for. */
export const LIFETIME = 90 * 86_400;
const AUTHORITIES_MAX = 64;
const HEADER = "accredit trust policy 1";

/** @typedef {import("../transparency/state_note.js").StateNote} StateNote */

/**
 * @typedef {object} Members
 * @property {string} ecosystem the genesis statement's id, hex
 * @property {string} charter the ecosystem's identifier
 * @property {number | bigint} version number of the charter statement that named these signers
 * @property {string} step its id, hex
 * @property {Policy} signers their keys, and how many must agree
 * @property {number} maxAge seconds; how old a cosignature may be
 * @property {number} expires seconds since 1970
 * @property {readonly string[]} authorities ids relied on, sorted; the ecosystem's own stands for all
 * @property {number | bigint} count the highest number of statements verified so far; 0 before the first
 * @property {string | null} root the state's root then, hex; null before the first
 */

/** See the module. `decode` reads one; `remember` makes the next. */
export class TrustPolicy {
  /** @param {Members} members */
  constructor(members) {
    const { version, maxAge, expires, count, root, signers, authorities, charter } = members;
    require(version >= 1 && version <= 2 ** 32, "a version from 1 on");
    require(maxAge >= 1 && maxAge <= LIFETIME, `1 to ${LIFETIME} seconds`);
    require(expires >= 0, "a time");
    require((root === null) === (count === 0), "a root for a count above 0");
    require(signers.quorum !== NONE, "a quorum that asks for somebody");
    require(signers.logs.length === 0, "no logs: this policy is about state notes");
    require(authorities.length >= 1 && authorities.length <= AUTHORITIES_MAX, `1 to ${AUTHORITIES_MAX} authorities`);
    require(authorities.every(
      (one, at) => at === 0 || compareText(String(authorities[at - 1]), one) < 0,
    ), "each authority once, sorted");
    require(canonicalIssuer(charter) === charter, "a canonical DID or https URL");
    for (const authority of authorities) {
      const [id = "", via] = authority.split("#");
      require(canonicalIssuer(id) === id, "a canonical DID or https URL");
      require(via === undefined || isDigest(authority.slice(id.length + 1)), "64 hexadecimal digits after the #");
    }
    /** @readonly */
    this.ecosystem = members.ecosystem;
    /** @readonly */
    this.charter = charter;
    /** @readonly */
    this.version = version;
    /** @readonly */
    this.step = members.step;
    /** @readonly */
    this.signers = signers;
    /** @readonly */
    this.maxAge = maxAge;
    /** @readonly */
    this.expires = expires;
    /** @readonly */
    this.authorities = authorities;
    /** @readonly */
    this.count = count;
    /** @readonly */
    this.root = root;
  }

  /**
   * Whether an answer before an authority, as `spelledAuthority` spells it, is one to rely on.
   *
   * @param {string} authority
   */
  reliesOn(authority) {
    const named = [authority, String(authority.split("#", 1)[0]), this.charter];
    return named.some((one) => this.authorities.includes(one));
  }

  /**
   * Check that the policy is good at a time.
   *
   * @param {number} now seconds since 1970
   * @throws {RefusedError} it has expired, or its end is too far ahead
   */
  checkUsable(now) {
    if (this.expires <= now) {
      throw new RefusedError(
        "policy_expired",
        `The trust policy expired on ${text(this.expires)}.`,
        "Get a new one from a source you trust, not from the network it is to judge.",
      );
    }
    if (this.expires > now + LIFETIME) {
      throw new RefusedError(
        "policy_from_the_future",
        `The trust policy expires on ${text(this.expires)}, more than ${LIFETIME / 86_400} days from now.`,
        "Set this machine's clock; if it is right, the file was altered.",
      );
    }
  }

  /**
   * Return the policy once a state has been verified; itself where nothing is new. Keep it: it refuses lower counts.
   *
   * @param {StateNote} state
   * @returns {TrustPolicy}
   * @throws {RefusedError} another ecosystem, a lower count, or another root of the same count
   */
  remember(state) {
    if (state.ecosystem !== this.ecosystem) {
      throw new RefusedError("wrong_ecosystem", "The state note is of another ecosystem than the policy.");
    }
    if (state.count < this.count) {
      throw new RefusedError(
        "count_lower",
        `The state has ${state.count} statements; one of ${this.count} was verified before.`,
        "Ask again, or ask another node: this one is behind, or holds something back.",
      );
    }
    if (state.count === this.count) {
      if (state.count && state.root !== this.root) {
        throw new RefusedError(
          "count_other_root",
          `Another state of ${state.count} statements was verified before.`,
          "Keep both notes: together they are evidence against whoever signed both.",
        );
      }
      return this;
    }
    return new TrustPolicy({ ...this, count: state.count, root: state.root });
  }

  /** Return the file. */
  encode() {
    return utf8(this.#head() + this.signers.encode());
  }

  #head() {
    const root = this.root === null ? "" : ` ${base64(unhex(this.root))}`;
    const lines = [
      HEADER,
      `ecosystem ${this.ecosystem}`,
      `charter ${this.charter}`,
      `step ${this.version} ${this.step}`,
      `max-age ${this.maxAge}`,
      `expires ${text(this.expires)}`,
      `verified ${this.count}${root}`,
      ...this.authorities.map((id) => `rely-on ${id}`),
      "",
    ];
    return lines.map((line) => `${line}\n`).join("");
  }

  /**
   * Return the policy in a file.
   *
   * @param {Uint8Array} data
   * @returns {Promise<TrustPolicy>}
   * @throws {DecodeError} it is none
   */
  static async decode(data) {
    const gap = data.findIndex((byte, at) => byte === 10 && data[at + 1] === 10);
    const head = data.subarray(0, Math.max(gap, 0));
    if (data.length > 2 * POLICY_BYTES_MAX || gap < 0 || head.some((byte) => byte > 127)) {
      throw new DecodeError(
        "trust_policy",
        "A trust policy has two parts with an empty line between, the first in ASCII.",
      );
    }
    const [header, ...lines] = textOf(head).split("\n");
    if (header !== HEADER) {
      throw new DecodeError(
        "trust_policy",
        `A trust policy begins with ${HEADER}.`,
        "Export it again, with this version.",
      );
    }
    const ecosystem = digest(member(lines.shift(), "ecosystem"));
    const charter = member(lines.shift(), "charter");
    const [version = "", step = ""] = halves(member(lines.shift(), "step"));
    const maxAge = Number(decodeCount(member(lines.shift(), "max-age")));
    const expires = member(lines.shift(), "expires");
    const [count = "", root] = halves(member(lines.shift(), "verified"));
    const policy = new TrustPolicy({
      ecosystem,
      charter,
      version: decodeCount(version),
      step: digest(step),
      signers: await Policy.decode(data.subarray(gap + 2)),
      maxAge,
      expires: parse(expires),
      authorities: lines.map((line) => member(line, "rely-on")),
      count: decodeCount(count),
      root: root ? rootOf(root) : null,
    });
    // One spelling of the upper part: what a person compares is what the machine reads.
    const written = utf8(policy.#head());
    if (data.length < written.length || hex(data.subarray(0, written.length)) !== hex(written)) {
      throw new DecodeError("trust_policy", "This is not how a trust policy is written.");
    }
    return policy;
  }
}

/**
 * @param {string | undefined} line
 * @param {string} name
 */
function member(line, name) {
  if (!line?.startsWith(`${name} `)) {
    throw new DecodeError("trust_policy", `The line ${name} is missing here.`, "Export it again.");
  }
  return line.slice(name.length + 1);
}

/** @param {string} value */
function halves(value) {
  const at = value.indexOf(" ");
  return at < 0 ? [value, ""] : [value.slice(0, at), value.slice(at + 1)];
}

/** @param {string} value */
function digest(value) {
  if (!isDigest(value)) throw new DecodeError("hex", "This is not 64 lower-case hexadecimal digits.");
  return value;
}

/** @param {string} value */
function rootOf(value) {
  const root = unbase64Strictly(value);
  require(root.length === 32, "a root of 32 bytes");
  return hex(root);
}

/**
 * @param {boolean} condition
 * @param {string} expected
 */
function require(condition, expected) {
  if (!condition) throw new DecodeError("trust_policy", `expected ${expected}.`, "Export the policy again.");
}
