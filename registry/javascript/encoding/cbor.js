/**
 * Strict deterministic CBOR: one value, one byte string.
 *
 * RFC 8949 section 4.2.1 (map keys in bytewise order of their encodings), restricted to what the registry's formats
 * use: integers of 64 bits and a sign, byte strings, text strings, arrays, maps with integer or text keys, false,
 * true, null.
 *
 * An integer is a number where a double holds it exactly, else a bigint. Bytes are a Uint8Array. A map is an object
 * without a prototype, so that no key of it means anything to JavaScript; one that has an integer among its keys is a
 * `Map`.
 *
 * @module
 */

import { DecodeError } from "../errors.js";
import { compare, concat, hex, textOf, utf8 } from "./bytes.js";

/** Nested arrays and maps, at most. */
export const DEPTH_MAX = 16;
const INT_MAX = 2n ** 64n - 1n;

/**
 * Return the one encoding of a value.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {TypeError} it is of another type or range
 */
export function encode(value) {
  return encoded(value, 0);
}

/**
 * Return the value that `data` is the one encoding of.
 *
 * @param {Uint8Array} data
 * @param {{what?: string, maxBytes?: number}} [options] what it is, for errors; its largest size
 * @returns {any}
 * @throws {DecodeError} too long, not CBOR, not deterministic, or of a type that the formats do not have
 */
export function decode(data, { what = "CBOR", maxBytes = 16 * 1024 } = {}) {
  if (data.length > maxBytes) {
    throw new DecodeError("too_large", `${what} of ${data.length} bytes; at most ${maxBytes} are allowed.`);
  }
  const reader = new Reader(data, what);
  const value = reader.item(0);
  reader.end();
  return value;
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @returns {Uint8Array}
 */
function encoded(value, depth) {
  if (value === false) return Uint8Array.of(0xf4);
  if (value === true) return Uint8Array.of(0xf5);
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) {
    const number = BigInt(value);
    return number >= 0n ? head(0, number) : head(1, -1n - number);
  }
  if (typeof value === "string") {
    const data = utf8(value);
    return concat(head(3, BigInt(data.length)), data);
  }
  if (value instanceof Uint8Array) return concat(head(2, BigInt(value.length)), value);
  if (depth >= DEPTH_MAX) throw new TypeError(`at most ${DEPTH_MAX} levels can be nested`);
  if (Array.isArray(value)) {
    return concat(head(4, BigInt(value.length)), ...value.map((item) => encoded(item, depth + 1)));
  }
  if (typeof value === "object") {
    const members = value instanceof Map ? [...value] : Object.entries(value);
    const pairs = members.map(([key, item]) => /** @type {const} */ ([encoded(key, depth), encoded(item, depth + 1)]));
    pairs.sort(([one], [other]) => compare(one, other));
    return concat(head(5, BigInt(pairs.length)), ...pairs.flat());
  }
  throw new TypeError(`only integers, bytes, text, lists, maps, booleans and null can be encoded, not ${typeof value}`);
}

/**
 * Return the bytes in front of an item: RFC 8949 section 3.
 *
 * @param {number} major
 * @param {bigint} argument
 * @returns {Uint8Array}
 */
function head(major, argument) {
  if (argument > INT_MAX) throw new TypeError("integers have at most 64 bits");
  const bytes = argument < 24n ? 0 : argument < 2n ** 8n ? 1 : argument < 2n ** 16n ? 2 : argument < 2n ** 32n ? 4 : 8;
  if (bytes === 0) return Uint8Array.of((major << 5) | Number(argument));
  const written = new Uint8Array(1 + bytes);
  written[0] = (major << 5) | (24 + Math.log2(bytes));
  for (let at = bytes; at > 0; at -= 1) {
    written[at] = Number(argument & 0xffn);
    argument >>= 8n;
  }
  return written;
}

class Reader {
  #data;
  #what;
  #at = 0;

  /**
   * @param {Uint8Array} data
   * @param {string} what
   */
  constructor(data, what) {
    this.#data = data;
    this.#what = what;
  }

  end() {
    if (this.#at !== this.#data.length) throw this.#wrong("has bytes after its end");
  }

  /**
   * @param {number} depth
   * @returns {any}
   */
  item(depth) {
    const first = this.#byte();
    const major = first >> 5;
    if (major === 7) return this.#simple(first);
    if (major === 6) throw this.#wrong("has a tag");
    const argument = this.#argument(first & 31);
    switch (major) {
      case 0:
        return narrow(argument);
      case 1:
        return narrow(-1n - argument);
      case 2:
        return this.#take(argument).slice();
      case 3:
        return this.#text(argument);
      default:
        if (depth >= DEPTH_MAX) throw this.#wrong(`is nested deeper than ${DEPTH_MAX} levels`);
        return major === 4 ? this.#list(argument, depth + 1) : this.#map(argument, depth + 1);
    }
  }

  /** @param {number} first */
  #simple(first) {
    if (first === 0xf4) return false;
    if (first === 0xf5) return true;
    if (first === 0xf6) return null;
    throw this.#wrong("has a type that this format does not have");
  }

  /** @param {bigint} count */
  #text(count) {
    const data = this.#take(count);
    try {
      return textOf(data);
    } catch {
      throw this.#wrong("has a text that is not UTF-8");
    }
  }

  /**
   * @param {bigint} count
   * @param {number} depth
   */
  #list(count, depth) {
    const items = [];
    for (let at = 0n; at < count; at += 1n) items.push(this.item(depth));
    return items;
  }

  /**
   * @param {bigint} count
   * @param {number} depth
   */
  #map(count, depth) {
    const pairs = [];
    let before = new Uint8Array();
    for (let at = 0n; at < count; at += 1n) {
      const start = this.#at;
      const key = this.item(depth);
      if (typeof key !== "string" && typeof key !== "number" && typeof key !== "bigint") {
        throw this.#wrong("has a key that is neither an integer nor text");
      }
      const written = this.#data.slice(start, this.#at);
      if (at > 0n && compare(before, written) >= 0) throw this.#wrong("has keys that are not in order, each once");
      before = written;
      pairs.push(/** @type {[any, any]} */ ([key, this.item(depth)]));
    }
    if (pairs.some(([key]) => typeof key !== "string")) return new Map(pairs);
    const members = Object.create(null);
    for (const [key, value] of pairs) members[key] = value;
    return members;
  }

  #byte() {
    const byte = this.#data[this.#at];
    if (byte === undefined) throw this.#wrong("ends early");
    this.#at += 1;
    return byte;
  }

  /** @param {number} short */
  #argument(short) {
    if (short < 24) return BigInt(short);
    if (short > 27) throw this.#wrong("has a length that is left open, or a reserved head");
    const bytes = 1 << (short - 24);
    let argument = 0n;
    for (let at = 0; at < bytes; at += 1) argument = (argument << 8n) | BigInt(this.#byte());
    if (argument < (short === 24 ? 24n : 2n ** BigInt(4 * bytes)))
      throw this.#wrong("has a number that is not in its shortest form");
    return argument;
  }

  /** @param {bigint} count */
  #take(count) {
    if (count > BigInt(this.#data.length - this.#at)) throw this.#wrong("ends early");
    const start = this.#at;
    this.#at += Number(count);
    return this.#data.subarray(start, this.#at);
  }

  /** @param {string} reason */
  #wrong(reason) {
    return new DecodeError(
      "not_deterministic",
      `${this.#what} is not in deterministic CBOR (RFC 8949 section 4.2.1): it ${reason}.`,
    );
  }
}

/**
 * @param {bigint} number
 * @returns {number | bigint}
 */
function narrow(number) {
  const plain = Number(number);
  return Number.isSafeInteger(plain) ? plain : number;
}

/**
 * Return a value with its byte strings in hexadecimal, as a node's JSON has them: the form in which records are
 * decided on.
 *
 * @param {any} value as `decode` returns it
 * @returns {any}
 */
export function inHex(value) {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(inHex);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, inHex(item)]));
  const members = Object.create(null);
  for (const name of Object.keys(value)) members[name] = inHex(value[name]);
  return members;
}
