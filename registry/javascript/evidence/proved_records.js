/**
 * Reads records with their proofs: reading a record without a proof refutes the file, and never means "absent".
 *
 * @module
 */

import { characters, equal, sha256, utf8 } from "../encoding/bytes.js";
import { decode, inHex } from "../encoding/cbor.js";
import { IDENTIFIER_CHARS } from "../encoding/identifiers.js";
import { AccreditError, DecodeError, EnvironmentError } from "../errors.js";
import { checkProof, PROOF_BYTES } from "../transparency/state_trie.js";
import { CheckError } from "./state_check.js";

/** A record's largest size, bytes. */
export const RECORD_BYTES = 64 * 1024;
export const TYPES = [
  "accreditation",
  "alias",
  "authority",
  "charter",
  "competency",
  "framework",
  "issuer",
  "mapping",
  "node",
  "recognition",
];

/** @typedef {{[member: string]: any}} RegistryRecord */
/**
 * The records that a decision reads, in the form of `docs/records.cddl`, byte strings in hexadecimal; null if absent.
 *
 * @typedef {{get(type: string, id: string): RegistryRecord | null}} Records
 */
/**
 * A record, or its absence, with the proof; unverified.
 *
 * @typedef {{type: string, id: string, raw: Uint8Array | null, proof: Uint8Array}} ProvenRecord
 */

/**
 * Return where a record is in the state map: SHA-256 of type, a nought byte, id.
 *
 * @param {string} type
 * @param {string} id
 */
export function recordKey(type, id) {
  return sha256(utf8(type), Uint8Array.of(0), utf8(id));
}

/**
 * Return a record as it travels: type, id, encoding or null, proof.
 *
 * @param {unknown} value
 * @returns {ProvenRecord}
 * @throws {DecodeError} it is not of that shape
 */
export function provenRecord(value) {
  const [type, id, raw, proof, ...more] = Array.isArray(value) ? value : [];
  const isOf = isSubject(type, id) && !more.length;
  if (
    !isOf ||
    !(raw === null || raw instanceof Uint8Array) ||
    !(proof instanceof Uint8Array) ||
    proof.length > PROOF_BYTES
  ) {
    throw new DecodeError("bad_member", "expected a type of record, its id, its bytes or null, and those of a proof.");
  }
  return { type, id, raw, proof };
}

/**
 * Return whether these are a type of record and an id.
 *
 * @param {unknown} type
 * @param {unknown} id
 */
export function isSubject(type, id) {
  if (typeof type !== "string" || !TYPES.includes(type) || typeof id !== "string") return false;
  const count = characters(id);
  return count >= 1 && count <= IDENTIFIER_CHARS && !/[\ud800-\udfff]/u.test(id);
}

/** Records whose proofs have been checked under one root: only `open` makes one. */
export class ProvenRecords {
  /** @type {Map<string, RegistryRecord | null>} */
  #records = new Map();
  /** @type {Map<string, ProvenRecord>} */
  #unasked = new Map();

  /**
   * Check every proof.
   *
   * @param {Uint8Array} root of the records, as a quorum vouches for it
   * @param {readonly ProvenRecord[]} proven
   * @returns {Promise<ProvenRecords>}
   * @throws {CheckError} a proof is of another root, or of another record
   */
  static async open(root, proven) {
    const opened = new ProvenRecords();
    for (const one of proven) {
      opened.#records.set(subject(one.type, one.id), await checked(root, one));
      opened.#unasked.set(subject(one.type, one.id), one);
    }
    return opened;
  }

  /**
   * Return the record; null only where its absence is proved.
   *
   * @param {string} type
   * @param {string} id
   * @returns {RegistryRecord | null}
   * @throws {CheckError} nobody proved anything about it
   */
  get(type, id) {
    const found = this.#records.get(subject(type, id));
    if (found === undefined) {
      const message = `The decision reads the ${type} record of ${id}, and nothing is proved about it.`;
      throw new CheckError("refuted", "missing_record", message, "Somebody left it out; ask another node.");
    }
    this.#unasked.delete(subject(type, id));
    return found;
  }

  /**
   * Check that there was nothing to spare: one answer has one evidence.
   *
   * @throws {CheckError} a record was never asked for
   */
  checkAllRead() {
    for (const { type, id } of this.#unasked.values()) {
      throw new CheckError("refuted", "surplus_record", `The decision does not read the ${type} record of ${id}.`);
    }
  }
}

/**
 * @param {string} type
 * @param {string} id
 */
function subject(type, id) {
  return `${type} ${id}`;
}

/**
 * @param {Uint8Array} root
 * @param {ProvenRecord} proven
 * @returns {Promise<RegistryRecord | null>}
 */
async function checked(root, { type, id, raw, proof }) {
  const what = `the ${type} record of ${id}`;
  let value;
  try {
    value = await checkProof(root, await recordKey(type, id), proof);
  } catch (error) {
    if (!(error instanceof AccreditError) || error instanceof EnvironmentError) throw error;
    throw new CheckError("refuted", "proof", `The proof of ${what} fails: ${error.sentence}`);
  }
  if (raw === null) {
    if (value !== null)
      throw new CheckError("refuted", "record", `${what} is given as absent, and is proved to be there.`);
    return null;
  }
  if (value === null || !equal(value, await sha256(raw))) {
    throw new CheckError("refuted", "record", `${what} is not the one that is proved.`);
  }
  return decodeRecord(raw, what);
}

/**
 * Return a record, byte strings in hexadecimal.
 *
 * @param {Uint8Array} raw
 * @param {string} what it is, for errors
 * @returns {RegistryRecord}
 * @throws {CheckError} a quorum vouches for what is no record
 */
export function decodeRecord(raw, what) {
  let record;
  try {
    record = inHex(decode(raw, { what, maxBytes: RECORD_BYTES }));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CheckError("refuted", "record", error.sentence);
  }
  if (typeof record !== "object" || record === null || Array.isArray(record) || record instanceof Map) {
    throw new CheckError("refuted", "record", `${what} is not a map.`);
  }
  return record;
}
