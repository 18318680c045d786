/**
 * State notes: which set of statements, and so which records, a quorum of signers holds.
 *
 *     <ecosystem name>/<genesis id, hex>/state/<fold version> LF
 *     <number of accepted statements> LF
 *     <base64 state root> LF
 *
 * @module
 */

import { hex, unbase64Strictly } from "../encoding/bytes.js";
import { DecodeError } from "../errors.js";
import { openNote, SPACE } from "./signed_note.js";

/** Seconds that a cosignature may be ahead of the reader's clock. */
export const AHEAD_MAX = 300;
const FOLD_MAX = 2 ** 16;
const COUNT_MAX = 2n ** 63n - 1n;
const ORIGIN = /^([^\n]{1,300})\/([0-9a-f]{64})\/state\/([1-9][0-9]{0,4})$/u;
const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * The content of a note.
 *
 * @typedef {object} StateNote
 * @property {string} name of the ecosystem, for people
 * @property {string} ecosystem the genesis statement's id, hex
 * @property {number} fold version of the rules that made the records
 * @property {number | bigint} count of accepted statements
 * @property {string} root over records and statements, hex
 */

/** @typedef {import("./signed_note.js").VerifierKey} VerifierKey */
/** @typedef {import("./signed_note.js").VerifiedSignature} VerifiedSignature */

/**
 * Return what the text of a note says.
 *
 * @param {string} text
 * @returns {StateNote}
 * @throws {DecodeError} it is not a state note
 */
export function decodeStateNote(text) {
  const [origin = "", count = "", root = "", last, ...more] = text.split("\n");
  if (!origin || last !== "" || more.length) {
    throw new DecodeError("checkpoint_lines", "A state note has exactly three lines: origin, count and root.");
  }
  const rootBytes = unbase64Strictly(root);
  if (rootBytes.length !== 32)
    throw new DecodeError("checkpoint_root", `A root has 32 bytes, not ${rootBytes.length}.`);
  const number = decodeCount(count);
  const match = ORIGIN.exec(origin);
  const [, name = "", ecosystem = "", fold = ""] = match ?? [];
  if (!match || name !== oneLine(name) || Number(fold) > FOLD_MAX) {
    throw new DecodeError("state_note", "A state note begins with <ecosystem name>/<genesis id>/state/<fold version>.");
  }
  return { name, ecosystem, fold: Number(fold), count: number, root: hex(rootBytes) };
}

/**
 * Return a number in decimal digits without leading zeros; a bigint where a double cannot hold it.
 *
 * @param {string} text
 * @returns {number | bigint}
 * @throws {DecodeError}
 */
export function decodeCount(text) {
  if (!NUMBER.test(text) || BigInt(text) > COUNT_MAX) {
    throw new DecodeError("number", "This is not a number in decimal digits without leading zeros.");
  }
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

/**
 * Verify a state note against the known signers.
 *
 * @param {Uint8Array} data
 * @param {readonly VerifierKey[]} signers
 * @returns {Promise<{state: StateNote, cosignatures: VerifiedSignature[]}>}
 */
export async function openState(data, signers) {
  const opened = await openNote(data, signers);
  return { state: decodeStateNote(opened.text), cosignatures: opened.signatures };
}

/** @param {string} name */
function oneLine(name) {
  return name
    .split(new RegExp(`${SPACE.source}+`))
    .filter(Boolean)
    .join(" ");
}
