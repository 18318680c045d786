/**
 * The statement, as a verifier reads one: a COSE_Sign1 (RFC 9052 section 4.2, tag 18), signed by a key of its author.
 *
 *     18([ protected bstr, {}, payload bstr, signature bstr64 ])
 *     protected = { 1: -8, 3: "application/accredit-statement+cbor", 4: kid bstr32, 15: { 1: iss, 2: sub, 6: iat } }
 *     payload   = { "v": 1, "eco": bstr32 / null, "kind": tstr, "seq": uint, "prev": bstr32 / null, "body": map,
 *                   ? "mandate": bstr32 }
 *     id        = SHA-256(["Signature1", protected, h'', payload])
 *
 * The readers of each kind check the content of its body.
 *
 * @module
 */

import { hex, sha256 } from "./encoding/bytes.js";
import { decode as decodeCbor, encode } from "./encoding/cbor.js";
import { keyId, SIGNATURE_BYTES, verify as isSigned } from "./encoding/ed25519.js";
import { canonicalIssuer } from "./encoding/identifiers.js";
import { TIME_MAX } from "./encoding/rfc3339.js";
import { DecodeError, RefusedError } from "./errors.js";

const BYTES_MAX = 16 * 1024;
const TAG_SIGN1 = 0xd2;
const CONTENT_TYPE = "application/accredit-statement+cbor";
const EDDSA = -8;
const [ALG, TYPE, KID, CLAIMS] = [1, 3, 4, 15];
const [ISS, SUB, IAT] = [1, 2, 6];
const MEMBERS = ["body", "eco", "kind", "prev", "seq", "v"];

/**
 * A statement whose signature nobody has checked, until it went through `verify`.
 *
 * @typedef {object} Statement
 * @property {string} iss id of who speaks, in its one spelling
 * @property {string} sub id of what it speaks about
 * @property {number} iat seconds since 1970, when it says that it was said
 * @property {string | null} eco the genesis statement's id, hex; null in the genesis itself
 * @property {string} kind
 * @property {any} body the kind's own members
 * @property {string | null} mandate id of the delegation under which it speaks, hex; null where it names none
 * @property {Uint8Array} id 32 bytes
 * @property {Uint8Array} kid the signing key's id, 32 bytes
 * @property {Uint8Array} signed the bytes that are signed
 * @property {Uint8Array} signature 64 bytes
 */

/**
 * Read one statement; its body's shape and its signature are still to be checked.
 *
 * @param {Uint8Array} raw
 * @returns {Promise<Statement>}
 * @throws {DecodeError} it is none
 */
export async function decode(raw) {
  if (raw[0] !== TAG_SIGN1 || raw.length > BYTES_MAX) throw wrong(`CBOR tag 18, in at most ${BYTES_MAX} bytes`);
  const parts = decodeCbor(raw.subarray(1), { what: "a statement" });
  if (!Array.isArray(parts) || parts.length !== 4) throw wrong("an array of four items");
  const [header, unprotected, payload, signature] = parts;
  require(isBytes(header) && isBytes(payload), "byte strings for header and payload");
  require(isBytes(signature, SIGNATURE_BYTES), "a signature of 64 bytes");
  require(isMap(unprotected) && Object.keys(unprotected).length === 0, "an empty unprotected map");
  const { kid, iss, sub, iat } = headerOf(decodeCbor(header, { what: "the protected header" }));
  const content = decodeCbor(payload, { what: "the payload" });
  require(isMap(content), "a map as its payload");
  const { mandate = null, ...others } = content;
  require(Object.keys(others).sort().join() === MEMBERS.join(), `the members ${MEMBERS.join(", ")}`);
  require(!("mandate" in content) || isBytes(mandate, 32), "32 bytes in mandate");
  require(content.v === 1, "version 1");
  require(isNullOrDigest(content.eco) && isNullOrDigest(content.prev), "null or 32 bytes in eco and prev");
  require(typeof content.kind === "string" && isMap(content.body), "a kind, and a map as its body");
  require(Number.isSafeInteger(content.seq) && content.seq >= 1, "a number from 1 on");
  require((content.seq === 1) === (content.prev === null), "prev to be null exactly in a key's first statement");
  const signed = encode(["Signature1", header, new Uint8Array(), payload]);
  const eco = content.eco === null ? null : hex(content.eco);
  const { kind, body } = content;
  const id = await sha256(signed);
  return { iss, sub, iat, eco, kind, body, mandate: mandate && hex(mandate), id, kid, signed, signature };
}

/**
 * Check the signature with the key that `kid` names.
 *
 * @param {Statement} statement
 * @param {Uint8Array} publicKey
 * @throws {RefusedError} it is another key, or the signature is not its
 */
export async function verify(statement, publicKey) {
  if (hex(await keyId(publicKey)) !== hex(statement.kid)) {
    throw new RefusedError("wrong_key", "The statement names a different key than the one used to check it.");
  }
  if (!(await isSigned(publicKey, statement.signed, statement.signature))) {
    throw new RefusedError("bad_signature", `The signature of ${statement.kind} by ${statement.iss} is not valid.`);
  }
}

/** @param {any} header */
function headerOf(header) {
  require(header instanceof Map && [...header.keys()].join() === [ALG, TYPE, KID, CLAIMS].join(), "four header labels");
  require(header.get(ALG) === EDDSA && header.get(TYPE) === CONTENT_TYPE, `EdDSA, and ${CONTENT_TYPE}`);
  const [kid, claims] = [header.get(KID), header.get(CLAIMS)];
  require(isBytes(kid, 32), "a key id of 32 bytes");
  require(claims instanceof Map && [...claims.keys()].join() === [ISS, SUB, IAT].join(), "iss, sub and iat");
  const [iss, sub, iat] = [claims.get(ISS), claims.get(SUB), claims.get(IAT)];
  require(typeof iss === "string" && canonicalIssuer(iss) === iss, "an author's id in its one spelling");
  require(typeof sub === "string", "a subject");
  require(Number.isSafeInteger(iat) && iat >= 0 && iat <= TIME_MAX, "a time");
  return { kid, iss, sub, iat };
}

/**
 * @param {unknown} value
 * @param {number} [length]
 * @returns {value is Uint8Array}
 */
function isBytes(value, length) {
  return value instanceof Uint8Array && (length === undefined || value.length === length);
}

/** @param {unknown} value */
function isNullOrDigest(value) {
  return value === null || isBytes(value, 32);
}

/** @param {unknown} value */
function isMap(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value);
}

/**
 * @param {boolean} condition
 * @param {string} expected
 */
function require(condition, expected) {
  if (!condition) throw wrong(expected);
}

/** @param {string} expected */
function wrong(expected) {
  return new DecodeError("not_a_statement", `This is not a statement: it needs ${expected}.`);
}
