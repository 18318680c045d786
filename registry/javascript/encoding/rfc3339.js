/**
 * Times as people and protocols write them (RFC 3339). Inside, a time is seconds since 1970 UTC, negative before.
 *
 * @module
 */

import { DecodeError } from "../errors.js";

/** 0001-01-01T00:00:00Z in seconds. */
export const TIME_MIN = -62_135_596_800;
/** 9999-12-31T23:59:59Z in seconds. */
export const TIME_MAX = 253_402_300_799;

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,12})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Return a time as RFC 3339 has it, with `Z`; times beyond the calendar (years 1 to 9999) as its ends.
 *
 * @param {number | bigint} time
 * @returns {string}
 */
export function text(time) {
  const within = time < TIME_MIN ? TIME_MIN : time > TIME_MAX ? TIME_MAX : Number(time);
  return `${new Date(within * 1000).toISOString().slice(0, 19)}Z`;
}

/**
 * Return the date of a time that begins a day, the whole time of any other: what a sentence should say.
 *
 * @param {number | bigint} time
 * @returns {string}
 */
export function day(time) {
  const written = text(time);
  return written.endsWith("T00:00:00Z") ? written.slice(0, 10) : written;
}

/**
 * Return a date known to its year or month only, as a sentence should say it: `about 1987`, `about 1987-05`.
 *
 * @param {number} time
 * @param {"year" | "month"} precision
 * @returns {string}
 */
export function about(time, precision) {
  return `about ${text(time).slice(0, precision === "year" ? 4 : 7)}`;
}

/**
 * Return the first second after the year or month that begins at a time.
 *
 * @param {number} time the first second of a year or month
 * @param {"year" | "month"} precision
 * @returns {number}
 */
export function nextPeriod(time, precision) {
  const moment = new Date(time * 1000);
  if (precision === "year") moment.setUTCFullYear(moment.getUTCFullYear() + 1);
  else moment.setUTCMonth(moment.getUTCMonth() + 1);
  return Math.floor(moment.getTime() / 1000);
}

/**
 * Return the seconds of a time in UTC; fractions of a second are dropped.
 *
 * @param {string} written
 * @returns {number}
 * @throws {DecodeError} not such a time, one that the calendar does not have, or one with another offset
 */
export function parse(written) {
  const match = INSTANT.exec(written);
  const numbers = (match ?? []).slice(1, 7).map(Number);
  const [year = 0, month = 0, date = 0, hour = 0, minute = 0, second = 0] = numbers;
  const leap = second === 60 && minute === 59 ? 1 : 0; // RFC 3339 section 5.7; POSIX time has no name for it
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, date);
  moment.setUTCHours(hour, minute, second - leap);
  const isThere =
    match !== null &&
    year >= 1 &&
    [moment.getUTCMonth() + 1, moment.getUTCDate(), moment.getUTCHours(), moment.getUTCMinutes()].join() ===
      [month, date, hour, minute].join() &&
    moment.getUTCSeconds() === second - leap;
  if (!isThere || !/(?:[Zz]|\+00:00)$/.test(written)) {
    throw new DecodeError(
      "bad_time",
      `${JSON.stringify(written.slice(0, 40))} is not a time in UTC.`,
      "Write it like 2015-05-20T00:00:00Z.",
    );
  }
  return Math.floor(moment.getTime() / 1000);
}
