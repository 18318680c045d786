/**
 * Bytes and text: hexadecimal, base64, UTF-8, order, SHA-256.
 *
 * @module
 */

import { DecodeError, EnvironmentError } from "../errors.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const HEX = /^(?:[0-9a-f]{2})*$/;

/**
 * Return lower-case hexadecimal digits.
 *
 * @param {Uint8Array} data
 * @returns {string}
 */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Return the bytes of lower-case hexadecimal digits; the inverse of `hex`.
 *
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {DecodeError} another character, or half a byte
 */
export function unhex(text) {
  if (!HEX.test(text)) throw new DecodeError("hex", "These are not lower-case hexadecimal digits in pairs.");
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/**
 * Return whether a value is a text of 64 lower-case hexadecimal digits: a digest, an id, a root.
 *
 * @param {unknown} value
 * @returns {value is string}
 */
export function isDigest(value) {
  return typeof value === "string" && value.length === 64 && HEX.test(value);
}

/**
 * Return base64 (RFC 4648 section 4), with padding.
 *
 * @param {Uint8Array} data
 * @returns {string}
 */
export function base64(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * Return the bytes of base64 with padding; bits that belong to no byte are forgiven.
 *
 * @param {unknown} text
 * @returns {Uint8Array}
 * @throws {DecodeError} it is not base64
 */
export function unbase64(text) {
  if (typeof text !== "string" || !BASE64.test(text)) throw new DecodeError("base64", "This is not base64.");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * Return the bytes of canonical base64 of one byte or more, as notes have it; the inverse of `base64`.
 *
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {DecodeError} any other spelling
 */
export function unbase64Strictly(text) {
  const data = BASE64.test(text) ? unbase64(text) : new Uint8Array();
  if (data.length === 0 || base64(data) !== text) {
    throw new DecodeError("base64", "This is not canonical base64 of at least one byte.");
  }
  return data;
}

/**
 * Return the UTF-8 of a text.
 *
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {DecodeError} it holds half of a surrogate pair
 */
export function utf8(text) {
  if (/[\ud800-\udfff]/u.test(text)) throw new DecodeError("not_text", "The text holds half of a surrogate pair.");
  return ENCODER.encode(text);
}

/**
 * Return the text of UTF-8, a byte order mark kept.
 *
 * @param {Uint8Array} data
 * @returns {string}
 * @throws {TypeError} it is not UTF-8
 */
export function textOf(data) {
  return UTF8.decode(data);
}

/**
 * Count the characters (code points) of a text.
 *
 * @param {string} text
 * @returns {number}
 */
export function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Return all bytes, one after the other.
 *
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Compare bytes: negative, 0 or positive, as the first is before, equal to, or after the second.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @returns {number}
 */
export function compare(one, other) {
  const shorter = Math.min(one.length, other.length);
  for (let at = 0; at < shorter; at += 1) {
    const difference = /** @type {number} */ (one[at]) - /** @type {number} */ (other[at]);
    if (difference) return difference;
  }
  return one.length - other.length;
}

/**
 * Return whether two byte strings are the same.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @returns {boolean}
 */
export function equal(one, other) {
  return compare(one, other) === 0;
}

/**
 * Compare texts by code point. JavaScript's own order is that of UTF-16, which puts U+FFFD after an emoji.
 *
 * @param {string} one
 * @param {string} other
 * @returns {number}
 */
export function compareText(one, other) {
  const [first, second] = [one[Symbol.iterator](), other[Symbol.iterator]()];
  for (;;) {
    const [a, b] = [first.next(), second.next()];
    if (a.done || b.done) return Number(b.done ?? false) - Number(a.done ?? false);
    const difference = Number(a.value.codePointAt(0)) - Number(b.value.codePointAt(0));
    if (difference) return difference;
  }
}

/**
 * Return WebCrypto's `subtle`.
 *
 * @returns {SubtleCrypto}
 * @throws {EnvironmentError} it is not there: a page that came over http, other than from this machine
 */
export function subtle() {
  const found = globalThis.crypto?.subtle;
  if (!found) {
    throw new EnvironmentError(
      "no_webcrypto",
      "Nothing can be checked here: browsers have WebCrypto on pages over https only.",
      "Open the page over https, or use the command line.",
    );
  }
  return found;
}

/**
 * Return the SHA-256 of bytes, 32 bytes.
 *
 * @param {...Uint8Array} parts hashed one after the other
 * @returns {Promise<Uint8Array>}
 */
export async function sha256(...parts) {
  return new Uint8Array(await subtle().digest("SHA-256", /** @type {BufferSource} */ (concat(...parts))));
}
