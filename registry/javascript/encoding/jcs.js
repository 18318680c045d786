/**
 * JSON in one spelling: the JSON Canonicalization Scheme, RFC 8785.
 *
 * Members are sorted by the UTF-16 code units of their names; text and numbers are written as JavaScript itself writes
 * them. A number from 2^53 on is refused: `JSON.parse` may have rounded it, and nobody can tell which one was written.
 *
 * @module
 */

import { DecodeError } from "../errors.js";
import { utf8 } from "./bytes.js";

/**
 * Return the one spelling of a JSON value.
 *
 * @param {unknown} value as `JSON.parse` gives it
 * @returns {Uint8Array}
 * @throws {DecodeError} it is none, or has a number or text that has no such spelling
 */
export function encode(value) {
  /** @type {string[]} */
  const parts = [];
  try {
    write(value, parts);
  } catch (error) {
    if (error instanceof RangeError) throw wrong("it has too many levels"); // the stack has ended
    throw error;
  }
  return utf8(parts.join(""));
}

/**
 * @param {unknown} value
 * @param {string[]} parts
 * @returns {void}
 */
function write(value, parts) {
  if (value === null || typeof value === "boolean") {
    parts.push(String(value));
  } else if (typeof value === "string") {
    parts.push(quoted(value));
  } else if (typeof value === "number") {
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw wrong("it has a number that may have been rounded");
    parts.push(String(value === 0 ? 0 : value));
  } else if (Array.isArray(value)) {
    parts.push("[");
    value.forEach((item, at) => {
      if (at) parts.push(",");
      write(item, parts);
    });
    parts.push("]");
  } else if (typeof value === "object") {
    parts.push("{");
    const members = /** @type {Record<string, unknown>} */ (value);
    Object.keys(members)
      .sort()
      .forEach((name, at) => {
        parts.push(`${at ? "," : ""}${quoted(name)}:`);
        write(members[name], parts);
      });
    parts.push("}");
  } else {
    throw wrong(`a ${typeof value} is no JSON value`);
  }
}

/** @param {string} text */
function quoted(text) {
  if (/[\ud800-\udfff]/u.test(text)) throw wrong("it has text that is not Unicode");
  return JSON.stringify(text);
}

/** @param {string} what */
function wrong(what) {
  return new DecodeError("not_canonical", `This JSON has no canonical spelling (RFC 8785): ${what}.`);
}
