/**
 * Ed25519 with libsodium's verdict, which is the registry's everywhere.
 *
 * WebCrypto verifies (RFC 8032, without cofactor), and accepts what libsodium refuses: keys and R of small order, for
 * which anybody can sign, and keys whose y is not reduced. So these are refused here first. Whether a key lies in the
 * prime-order group WebCrypto cannot say: `isUsablePublic` works it out, some milliseconds a key, when a policy is
 * read.
 *
 * @module
 */

import { DecodeError, EnvironmentError } from "../errors.js";
import { hex, sha256, subtle } from "./bytes.js";
import { encode } from "./cbor.js";

export const PUBLIC_BYTES = 32;
export const SIGNATURE_BYTES = 64;

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const MULTICODEC = [0xed, 0x01];

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * inverse(121666n));

/** Each y of the eight points of small order, in every spelling that fits in 255 bits, little-endian. */
const SMALL_Y = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** The 14 encodings of small order: each y with the sign of x clear and set. */
const SMALL_ORDER = new Set(
  SMALL_Y.flatMap((y) => [y, y.slice(0, 62) + (parseInt(y.slice(62), 16) | 0x80).toString(16).padStart(2, "0")]),
);

/**
 * Return whether libsodium accepts a signature; bytes of any content and length get an answer.
 *
 * @param {Uint8Array} publicKey
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @returns {Promise<boolean>}
 * @throws {EnvironmentError} this browser or runtime has no Ed25519
 */
export async function verify(publicKey, message, signature) {
  if (publicKey.length !== PUBLIC_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  if (SMALL_ORDER.has(hex(publicKey)) || SMALL_ORDER.has(hex(signature.subarray(0, 32)))) return false;
  if (yOf(publicKey) >= P) return false;
  try {
    const key = await subtle().importKey("raw", /** @type {BufferSource} */ (publicKey), { name: "Ed25519" }, false, [
      "verify",
    ]);
    const [given, signed] = [/** @type {BufferSource} */ (signature), /** @type {BufferSource} */ (message)];
    return await subtle().verify({ name: "Ed25519" }, key, given, signed);
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    if (error instanceof Error && error.name === "NotSupportedError") {
      throw new EnvironmentError(
        "no_ed25519",
        "Nothing can be checked here: this browser does not know Ed25519 (WebCrypto).",
        "Update it, or use the command line.",
      );
    }
    return false; // the key is no point of the curve
  }
}

/**
 * Return whether a key is a canonical point of the prime-order group, not of small order.
 *
 * @param {Uint8Array} publicKey
 * @returns {boolean}
 */
export function isUsablePublic(publicKey) {
  if (publicKey.length !== PUBLIC_BYTES || SMALL_ORDER.has(hex(publicKey)) || yOf(publicKey) >= P) return false;
  const x = xOf(publicKey);
  return x !== null && isNeutral(times(ORDER, extended(x, yOf(publicKey))));
}

/**
 * Return the id of a key: its COSE key thumbprint, 32 bytes (RFC 9679 section 3).
 *
 * @param {Uint8Array} publicKey
 */
export function keyId(publicKey) {
  /** @type {[number, number | Uint8Array][]} */
  const members = [
    [1, 1],
    [-1, 6],
    [-2, publicKey],
  ];
  return sha256(encode(new Map(members)));
}

/**
 * Return the 32 bytes of a public key in multibase, as z6Mk….
 *
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {DecodeError} it is none, or a key that anybody can sign for
 */
export function decodeMultibase(text) {
  const raw = text.startsWith("z") && text.length <= 60 ? base58(text.slice(1)) : new Uint8Array();
  if (raw.length !== MULTICODEC.length + PUBLIC_BYTES || MULTICODEC.some((byte, at) => raw[at] !== byte)) {
    throw new DecodeError("not_a_key", "This is not an Ed25519 public key in multibase, which begins with z6Mk.");
  }
  const publicKey = raw.slice(MULTICODEC.length);
  if (!isUsablePublic(publicKey)) {
    throw new DecodeError("weak_key", "This Ed25519 key is not a point of the prime-order group.");
  }
  return publicKey;
}

/** @param {string} text */
function base58(text) {
  let number = 0n;
  for (const character of text) {
    const digit = BASE58.indexOf(character);
    if (digit < 0) throw new DecodeError("not_a_key", `${character} is not a base58 character.`);
    number = number * 58n + BigInt(digit);
  }
  const zeros = text.length - text.replace(/^1+/, "").length;
  const bytes = [];
  for (; number > 0n; number >>= 8n) bytes.unshift(Number(number & 0xffn));
  return Uint8Array.from([...Array(zeros).fill(0), ...bytes]);
}

// ------------------------------------------------------------------------------------ the curve (RFC 8032 section 5.1)

/** @typedef {readonly [bigint, bigint, bigint, bigint]} Point X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z */

/** @param {bigint} number */
function modulo(number) {
  const rest = number % P;
  return rest < 0n ? rest + P : rest;
}

/**
 * @param {bigint} base
 * @param {bigint} exponent
 */
function power(base, exponent) {
  let result = 1n;
  for (let square = modulo(base); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** @param {bigint} number */
function inverse(number) {
  return power(number, P - 2n);
}

/** @param {Uint8Array} encoded */
function yOf(encoded) {
  let y = 0n;
  for (let at = 31; at >= 0; at -= 1) y = (y << 8n) | BigInt(/** @type {number} */ (encoded[at]));
  return y & (2n ** 255n - 1n);
}

/**
 * Return x, or null where the bytes are of no point (RFC 8032 section 5.1.3).
 *
 * @param {Uint8Array} encoded
 * @returns {bigint | null}
 */
function xOf(encoded) {
  const y = yOf(encoded);
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (modulo(x * x - square)) x = modulo(x * power(2n, (P - 1n) / 4n));
  if (modulo(x * x - square)) return null;
  const sign = BigInt(/** @type {number} */ (encoded[31]) >> 7);
  if (x === 0n && sign) return null;
  return (x & 1n) === sign ? x : P - x;
}

/**
 * @param {bigint} x
 * @param {bigint} y
 * @returns {Point}
 */
function extended(x, y) {
  return [x, y, 1n, modulo(x * y)];
}

/**
 * @param {Point} one
 * @param {Point} other
 * @returns {Point}
 */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = modulo((y1 - x1) * (y2 - x2));
  const b = modulo((y1 + x1) * (y2 + x2));
  const c = modulo(2n * t1 * D * t2);
  const d = modulo(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modulo(e * f), modulo(g * h), modulo(f * g), modulo(e * h)];
}

/**
 * @param {bigint} factor
 * @param {Point} point
 */
function times(factor, point) {
  let total = extended(0n, 1n);
  for (const bit of factor.toString(2)) {
    total = add(total, total);
    if (bit === "1") total = add(total, point);
  }
  return total;
}

/** @param {Point} point */
function isNeutral([x, y, z]) {
  return x === 0n && y === z;
}
