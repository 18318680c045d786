/**
 * Signed texts: C2SP signed-note and tlog-cosignature, as a verifier reads them.
 *
 *     <text, ends in a newline>
 *     <empty line; the last one of the note>
 *     — <key name> <base64 of key id[4] || signature>         one or more lines
 *
 *     vkey      <name>+<8 hex digits, key id>+<base64 of type || public key>
 *     key id    SHA-256(name || 0A || type || public key)[:4]
 *     type 01   Ed25519 over the text, its final newline included
 *     type 04   u64 time || Ed25519 over "cosignature/v1" LF "time <seconds>" LF text
 *
 * One note has one spelling. Lines of unknown keys are ignored; a line of a known key that does not verify condemns the
 * whole note, and so does a second line of the same key.
 *
 * @module
 */

import { base64, hex, sha256, textOf, unbase64Strictly, utf8 } from "../encoding/bytes.js";
import { isUsablePublic, PUBLIC_BYTES, SIGNATURE_BYTES, verify } from "../encoding/ed25519.js";
import { DecodeError, RefusedError } from "../errors.js";

export const SIGNATURES_MAX = 64;
export const NOTE_BYTES_MAX = 256 * 1024;
export const ED25519 = 1;
export const COSIGNATURE_V1 = 4;

const TIME_MAX = 2n ** 63n - 1n;
const LINE_START = "\u2014 ";
const CONTROL = /[\x00-\x09\x0b-\x1f]|[\ud800-\udfff]/u;
/** White space as the registry means it: Unicode's White_Space and four separators of ASCII, without U+FEFF. */
export const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/**
 * A key that a verifier has decided to know.
 *
 * @typedef {object} VerifierKey
 * @property {string} name of the log or cosigner
 * @property {number} type `ED25519` or `COSIGNATURE_V1`
 * @property {Uint8Array} publicKey 32 bytes
 * @property {string} keyId 8 hexadecimal digits
 * @property {string} vkey as it is written
 */

/**
 * One signature line, unverified.
 *
 * @typedef {object} Signature
 * @property {string} name
 * @property {string} keyId 8 hexadecimal digits
 * @property {Uint8Array} blob
 */

/**
 * A known key signed: `time` is what a cosignature states, seconds since 1970; null for type 01, which states none.
 *
 * @typedef {{key: VerifierKey, time: number | bigint | null}} VerifiedSignature
 */

/**
 * Return the key that a vkey says.
 *
 * @param {string} vkey
 * @returns {Promise<VerifierKey>}
 * @throws {DecodeError} it is none, its id does not belong to its key, or the key is not one to rely on
 */
export async function decodeVkey(vkey) {
  const [name = "", keyId = "", ...rest] = vkey.split("+"); // names have no plus, base64 has
  const blob = unbase64Strictly(rest.join("+"));
  const type = blob[0];
  if (blob.length !== 1 + PUBLIC_BYTES || (type !== ED25519 && type !== COSIGNATURE_V1)) {
    throw new DecodeError("vkey_type", "This vkey is not of an Ed25519 key of type 01 or 04.", "Use another.");
  }
  requireName(name);
  const publicKey = blob.slice(1);
  if (!isUsablePublic(publicKey)) {
    throw new DecodeError("weak_key", `The key of ${name} is not a usable Ed25519 key.`, "Ask for another key.");
  }
  const found = hex(await sha256(utf8(`${name}\n`), blob)).slice(0, 8);
  if (`${name}+${found}+${base64(blob)}` !== vkey) {
    throw new DecodeError("vkey_id", `The id ${keyId} is not that of its key.`, "Copy the vkey again, whole.");
  }
  return { name, type, publicKey, keyId: found, vkey };
}

/**
 * Return the text and the signature lines of a note, unverified.
 *
 * @param {Uint8Array} data
 * @returns {{text: string, signatures: Signature[]}}
 * @throws {DecodeError} it breaks a rule of the format
 */
export function decodeNote(data) {
  const whole = decodeText(data);
  const at = whole.lastIndexOf("\n\n"); // a text may have empty lines itself: the last one separates
  if (at < 0 || !whole.endsWith("\n") || at + 2 >= whole.length) {
    throw new DecodeError("note_form", "A note is a text, an empty line and signature lines, each with its newline.");
  }
  const lines = whole.slice(at + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) {
    throw new DecodeError("signature_count", `${lines.length} signature lines where 1 to ${SIGNATURES_MAX} are read.`);
  }
  return { text: whole.slice(0, at + 1), signatures: lines.map(decodeLine) };
}

/**
 * Verify a note against the known keys (signed-note, "Signatures").
 *
 * @param {Uint8Array} data
 * @param {readonly VerifierKey[]} keys
 * @returns {Promise<{text: string, signatures: VerifiedSignature[]}>} each of another key, in the note's order
 * @throws {DecodeError} it breaks a rule of the format
 * @throws {RefusedError} no known key signed it, or the line of a known key is wrong or there twice
 */
export async function openNote(data, keys) {
  /** @type {Map<string, VerifierKey>} */
  const known = new Map();
  for (const key of keys) {
    const place = `${key.name} ${key.keyId}`;
    if (known.has(place)) {
      throw new RefusedError(
        "ambiguous_keys",
        `Two known keys are called ${key.name} with one id.`,
        "Remove one of them.",
      );
    }
    known.set(place, key);
  }
  const note = decodeNote(data);
  /** @type {VerifiedSignature[]} */
  const found = [];
  for (const signature of note.signatures) {
    const key = known.get(`${signature.name} ${signature.keyId}`);
    if (key === undefined) continue;
    if (found.some((one) => one.key === key)) {
      throw new RefusedError(
        "signature_twice",
        `The note has two signatures of ${key.name}.`,
        "Leave one of them out.",
      );
    }
    found.push(await checkSignature(note.text, signature, key));
  }
  if (found.length === 0) {
    throw new RefusedError(
      "unsigned",
      "No known key signed this note.",
      "Compare the vkeys of the policy with those that sign.",
    );
  }
  return { text: note.text, signatures: found };
}

/**
 * @param {string} text
 * @param {Signature} signature
 * @param {VerifierKey} key
 * @returns {Promise<VerifiedSignature>}
 */
async function checkSignature(text, { name, blob }, key) {
  if (key.type === ED25519) {
    if (await verify(key.publicKey, utf8(text), blob)) return { key, time: null };
  } else if (blob.length === 8 + SIGNATURE_BYTES) {
    const time = new DataView(blob.buffer, blob.byteOffset).getBigUint64(0);
    const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
    if (time <= TIME_MAX && (await verify(key.publicKey, message, blob.subarray(8)))) {
      return { key, time: Number.isSafeInteger(Number(time)) ? Number(time) : time };
    }
  }
  throw new RefusedError(
    "signature_refused",
    `The signature line of ${name} is not one of the known key ${key.name} over this text.`,
    "Fetch the note again; if it stays so, the text or the line was altered.",
  );
}

/**
 * @param {string} line
 * @returns {Signature}
 */
function decodeLine(line) {
  const rest = line.slice(LINE_START.length);
  const space = rest.indexOf(" ");
  if (!line.startsWith(LINE_START) || space < 0) {
    throw new DecodeError(
      "signature_line",
      "A signature line is an em dash, a key name and base64, each after one space.",
    );
  }
  const name = rest.slice(0, space);
  requireName(name);
  const blob = unbase64Strictly(rest.slice(space + 1));
  if (blob.length <= 4) throw new DecodeError("signature_line", `The signature of ${name} is too short.`);
  return { name, keyId: hex(blob.subarray(0, 4)), blob: blob.slice(4) };
}

/** @param {Uint8Array} data */
function decodeText(data) {
  if (data.length > NOTE_BYTES_MAX) throw new DecodeError("note_too_long", `It has more than ${NOTE_BYTES_MAX} bytes.`);
  let text;
  try {
    text = textOf(data);
  } catch {
    throw new DecodeError("note_utf8", "It is not UTF-8.");
  }
  if (CONTROL.test(text))
    throw new DecodeError("note_control", "It has a control character.", "Send it unaltered, lines ending in LF.");
  return text;
}

/** @param {string} name */
function requireName(name) {
  if (!name || name.includes("+") || CONTROL.test(name) || SPACE.test(name)) {
    throw new DecodeError("key_name", "A key name is not empty and has neither spaces nor a plus sign.");
  }
}
