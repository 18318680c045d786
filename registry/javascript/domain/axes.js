/**
 * Decides when a place, level or field of study lies within another.
 *
 * @module
 */

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */

/**
 * Return whether a place is another one or lies in it, as `US-IN` in `US`.
 *
 * @param {string} part
 * @param {string} whole
 */
export function jurisdictionWithin(part, whole) {
  return part === whole || part.startsWith(`${whole}-`);
}

/**
 * Return whether a level lies in a range, under any of its names: EQF 5 to 8 are ISCED 5 to 8 and the cycles 0 to 3 of
 * QF-EHEA.
 *
 * @param {readonly [string, number]} level
 * @param {RegistryRecord} allowed scheme, min and max
 */
export function levelWithin(level, allowed) {
  return namesOf(level).some(
    ([scheme, number]) => scheme === allowed.scheme && allowed.min <= number && number <= allowed.max,
  );
}

/**
 * @param {readonly [string, number]} level
 * @returns {(readonly [string, number])[]}
 */
function namesOf([scheme, number]) {
  const cycle = scheme === "QF-EHEA" ? number : scheme === "EQF" || scheme === "ISCED2011" ? number - 5 : -1;
  if (cycle < 0 || cycle > 3) return [[scheme, number]];
  return [
    ["EQF", cycle + 5],
    ["ISCED2011", cycle + 5],
    ["QF-EHEA", cycle],
  ];
}

/**
 * Return whether a field of study is another one or a part of it, as `cip:51.3801` of `cip:51`.
 *
 * @param {readonly [string, string]} field
 * @param {RegistryRecord} allowed scheme and code
 */
export function fieldWithin([scheme, code], allowed) {
  if (scheme !== allowed.scheme) return false;
  if (scheme !== "soc") return code.startsWith(allowed.code);
  // A SOC group is written with noughts where its parts have digits; no part's own code ends in one.
  const [major, minor] = [allowed.code.slice(0, 2), allowed.code.slice(3, 7)];
  const isOnet = allowed.code.length > 7 && !allowed.code.endsWith(".00");
  return (
    code.slice(0, 2) === major &&
    code.slice(3, 7).startsWith(minor.replace(/0+$/, "")) &&
    (!isOnet || code.startsWith(allowed.code))
  );
}
