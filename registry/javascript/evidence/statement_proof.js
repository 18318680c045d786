/**
 * Presence: whether the state that a quorum noted includes a statement, as `/v1/statements/{id}/proof` answers.
 *
 *     {"id": hex, "present": bool, "proof": base64, "records_root": hex, "statements_root": hex, "note": text}
 *
 * The id is key and value of its leaf in the map over the statements, whose root is half of the state's root.
 *
 * @module
 */

import { isDigest, unbase64Strictly, unhex, utf8 } from "../encoding/bytes.js";
import { DecodeError } from "../errors.js";

/**
 * An answer about one statement, unverified.
 *
 * @typedef {object} Presence
 * @property {Uint8Array} id
 * @property {boolean} isPresent
 * @property {Uint8Array} proof
 * @property {Uint8Array} recordsRoot
 * @property {Uint8Array} statementsRoot
 * @property {Uint8Array} note
 */

/**
 * Read an answer.
 *
 * @param {any} value as JSON has it
 * @returns {Presence}
 * @throws {DecodeError} it is none
 */
export function decodePresence(value) {
  const { id, present, proof, records_root: records, statements_root: statements, note } = value ?? {};
  const isWhole = typeof present === "boolean" && typeof proof === "string" && typeof note === "string";
  if (!isWhole || !isDigest(id) || !isDigest(records) || !isDigest(statements)) {
    throw new DecodeError("presence", "This is not a proof about a statement.", "Ask another node.");
  }
  return {
    id: unhex(id),
    isPresent: present,
    proof: unbase64Strictly(proof),
    recordsRoot: unhex(records),
    statementsRoot: unhex(statements),
    note: utf8(note),
  };
}
