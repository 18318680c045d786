/**
 * JSON read in one way only: no member twice. `JSON.parse` keeps the last of two, and another program may keep the first.
 *
 * @module
 */

import { DecodeError } from "../errors.js";
import { textOf } from "./bytes.js";

const STRINGS = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * Return the one JSON value in a file, a byte order mark before it forgiven.
 *
 * @param {Uint8Array} data
 * @param {string} what it is, for errors
 * @returns {any}
 * @throws {DecodeError} not UTF-8, not JSON, or an object has a member twice
 */
export function decode(data, what) {
  let text, value;
  try {
    text = textOf(data).replace(/^\ufeff/, "");
    value = JSON.parse(text);
  } catch {
    throw new DecodeError("not_json", `${what} is not JSON.`, "Write one JSON value (RFC 8259), in UTF-8.");
  }
  let written = 0;
  for (const [, colon] of text.matchAll(STRINGS)) if (colon !== undefined) written += 1;
  if (written !== membersOf(value)) {
    throw new DecodeError("duplicate_member", `${what} has a member twice.`, "Give it once.");
  }
  return value;
}

/**
 * Count the members of all objects in a value.
 *
 * @param {unknown} whole
 */
function membersOf(whole) {
  const pending = [whole];
  let count = 0;
  while (pending.length) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) count += Object.keys(value).length;
    for (const item of Object.values(value)) pending.push(item);
  }
  return count;
}
