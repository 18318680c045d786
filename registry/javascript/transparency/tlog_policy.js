/**
 * Reads which signers a verifier relies on, and how many must agree: C2SP tlog-policy.
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <member> ...
 *     quorum <name>|none
 *
 * One item a line; a group and the quorum name only what earlier lines define; a name is member of one group, once; no
 * public key is there twice, whatever its name. Names that are not UTF-8 are refused.
 *
 * @module
 */

import { hex, textOf } from "../encoding/bytes.js";
import { DecodeError } from "../errors.js";
import { COSIGNATURE_V1, decodeVkey, ED25519 } from "./signed_note.js";

export const NONE = "none";
export const POLICY_BYTES_MAX = 64 * 1024;
const ITEMS_MAX = 64;
const FORBIDDEN = /[\x00-\x08\x0b-\x1f\x7f]/;
const NUMBER = /^[1-9][0-9]{0,3}$/;
const NAME = /^[^\x00-\x20\x7f]+$/;

/** @typedef {import("./signed_note.js").VerifierKey} VerifierKey */
/** @typedef {{name: string, key: VerifierKey, url: string | null}} Witness */
/** @typedef {{name: string, threshold: number, members: string[]}} Group */
/** @typedef {{key: VerifierKey, url: string | null}} Log */

/** A policy; only `decode` makes one. */
export class Policy {
  /**
   * @param {string} quorum
   * @param {Log[]} logs
   * @param {Witness[]} witnesses
   * @param {Group[]} groups
   */
  constructor(quorum, logs, witnesses, groups) {
    /** @readonly */
    this.quorum = quorum;
    /** @readonly */
    this.logs = logs;
    /** @readonly */
    this.witnesses = witnesses;
    /** @readonly */
    this.groups = groups;
  }

  /** The witnesses' keys. */
  get keys() {
    return this.witnesses.map((witness) => witness.key);
  }

  /**
   * Whether cosignatures of these keys are enough.
   *
   * @param {readonly VerifierKey[]} cosigners
   * @returns {boolean}
   */
  isMet(cosigners) {
    /** @type {Map<string, boolean>} */
    const counts = new Map(this.witnesses.map(({ name, key }) => [name, cosigners.includes(key)]));
    for (const { name, threshold, members } of this.groups) {
      counts.set(name, members.filter((member) => counts.get(member)).length >= threshold);
    }
    return this.quorum === NONE || counts.get(this.quorum) === true;
  }

  /**
   * Return the latest time such that cosignatures made no earlier are enough; null if all together are not.
   *
   * @param {ReadonlyMap<VerifierKey, number | bigint>} times seconds since 1970, when each key cosigned
   * @returns {number | bigint | null}
   */
  metSince(times) {
    const descending = [...times.values()].sort((one, other) => (one < other ? 1 : one > other ? -1 : 0));
    const found = descending.find((time) => this.isMet([...times].flatMap(([key, at]) => (at >= time ? [key] : []))));
    return found ?? null;
  }

  /**
   * Return the earliest time by which cosignatures that are enough had been made; null if all together are not.
   *
   * @param {ReadonlyMap<VerifierKey, number | bigint>} times seconds since 1970, when each key cosigned
   * @returns {number | bigint | null}
   */
  metBy(times) {
    const ascending = [...times.values()].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
    const found = ascending.find((time) => this.isMet([...times].flatMap(([key, at]) => (at <= time ? [key] : []))));
    return found ?? null;
  }

  /** Return the file, without comments. */
  encode() {
    const url = (/** @type {string | null} */ one) => (one === null ? "" : ` ${one}`);
    const lines = [
      ...this.logs.map((log) => `log ${log.key.vkey}${url(log.url)}`),
      ...this.witnesses.map((one) => `witness ${one.name} ${one.key.vkey}${url(one.url)}`),
      ...this.groups.map((one) => `group ${one.name} ${thresholdText(one)} ${one.members.join(" ")}`),
      `quorum ${this.quorum}`,
    ];
    return lines.map((line) => `${line}\n`).join("");
  }

  /**
   * Return the policy in a file.
   *
   * @param {Uint8Array} data
   * @returns {Promise<Policy>}
   * @throws {DecodeError} it breaks a rule of the format
   */
  static async decode(data) {
    if (data.length > POLICY_BYTES_MAX) throw wrong("size", `A policy has at most ${POLICY_BYTES_MAX} bytes.`);
    let text;
    try {
      text = textOf(data);
    } catch {
      throw wrong("utf8", "This policy is not UTF-8.");
    }
    if (FORBIDDEN.test(text)) throw wrong("control", "There is a control character other than tab and newline.");
    if (!text.endsWith("\n")) throw wrong("line", "The last line has no newline.");
    const reading = new Reading();
    for (const line of text.split("\n")) {
      const words = line.split(/[ \t]+/).filter(Boolean);
      if (words.length && !(/** @type {string} */ (words[0]).startsWith("#"))) await reading.read(words);
    }
    return reading.policy();
  }
}

/** The part of a policy that was read so far; `read` takes one line. */
class Reading {
  /** @type {Log[]} */
  #logs = [];
  /** @type {Witness[]} */
  #witnesses = [];
  /** @type {Group[]} */
  #groups = [];
  /** @type {string | null} */
  #quorum = null;
  /** @type {Set<string>} names of earlier lines */
  #defined = new Set();

  /** @param {string[]} words */
  async read(words) {
    const [kind, first = "", second = "", ...rest] = words;
    if (kind === "log" && (words.length === 2 || words.length === 3)) {
      this.#logs.push({ key: await decodeVkey(first), url: second || null });
    } else if (kind === "witness" && (words.length === 3 || words.length === 4)) {
      this.#witnesses.push({ name: first, key: await decodeVkey(second), url: rest[0] ?? null });
      this.#defined.add(first);
    } else if (kind === "group" && rest.length) {
      this.#requireDefined(rest);
      this.#groups.push({ name: first, threshold: thresholdOf(second, rest.length), members: rest });
      this.#defined.add(first);
    } else if (kind === "quorum" && words.length === 2) {
      if (this.#quorum !== null) throw wrong("quorum", "There is a second quorum.");
      if (first !== NONE) this.#requireDefined([first]);
      this.#quorum = first;
    } else {
      throw wrong("line", "This is no line of a policy.");
    }
  }

  policy() {
    if (this.#quorum === null) throw wrong("quorum", "The line with the quorum is missing.");
    for (const items of [this.#logs, this.#witnesses, this.#groups]) {
      if (items.length > ITEMS_MAX)
        throw wrong("size", `A policy has at most ${ITEMS_MAX} logs, witnesses and groups each.`);
    }
    checkKeys("log", this.#logs, ED25519);
    checkKeys("witness", this.#witnesses, COSIGNATURE_V1);
    /** @type {Map<string, boolean>} whether it is a member of a group already */
    const members = new Map();
    for (const { name } of this.#witnesses) define(members, name);
    for (const group of this.#groups) {
      checkGroup(members, group);
      define(members, group.name);
    }
    return new Policy(this.#quorum, this.#logs, this.#witnesses, this.#groups);
  }

  /** @param {string[]} names */
  #requireDefined(names) {
    for (const name of names) {
      if (!this.#defined.has(name)) throw wrong("name", `${name.slice(0, 80)} is not defined on an earlier line.`);
    }
  }
}

/**
 * @param {string} what
 * @param {readonly {key: VerifierKey}[]} items
 * @param {number} type
 */
function checkKeys(what, items, type) {
  const keys = new Set();
  for (const { key } of items) {
    if (key.type !== type) throw wrong("key_type", `The key ${key.name} is not a ${what}'s.`);
    if (keys.has(hex(key.publicKey))) throw wrong("key_twice", `The public key of ${key.name} is there twice.`);
    keys.add(hex(key.publicKey));
  }
}

/**
 * @param {Map<string, boolean>} isMember
 * @param {Group} group
 */
function checkGroup(isMember, group) {
  for (const member of group.members) {
    if (isMember.get(member) === undefined)
      throw wrong("name", `${member} is not defined before the group ${group.name}.`);
    if (isMember.get(member)) throw wrong("member_twice", `${member} is a member of a group already.`);
    isMember.set(member, true);
  }
  if (group.threshold < 1 || group.threshold > group.members.length) {
    throw wrong("threshold", `${group.threshold} are asked of ${group.members.length} members.`);
  }
}

/**
 * @param {Map<string, boolean>} isMember
 * @param {string} name
 */
function define(isMember, name) {
  if (name === NONE || !NAME.test(name)) throw wrong("name", `${name.slice(0, 80)} cannot be a name here.`);
  if (isMember.has(name)) throw wrong("name", `${name.slice(0, 80)} is defined twice.`);
  isMember.set(name, false);
}

/**
 * @param {string} text
 * @param {number} members
 */
function thresholdOf(text, members) {
  if (text === "all") return members;
  if (text === "any") return 1;
  if (!NUMBER.test(text)) throw wrong("threshold", "A threshold is all, any, or a number from 1 on.");
  return Number(text);
}

/** @param {Group} group */
function thresholdText({ threshold, members }) {
  return threshold === members.length ? "all" : threshold === 1 ? "any" : String(threshold);
}

/**
 * @param {string} what
 * @param {string} message
 */
function wrong(what, message) {
  return new DecodeError(`policy_${what}`, message);
}
