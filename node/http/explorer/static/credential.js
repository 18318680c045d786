// What a credential says of itself: issuer, types, dates, key. Nothing is verified, nothing is fetched, nothing is sent.
//
//   read(text)  ->  [{ issuer, types, achievements, issued, expires, key }, …]
//
// Open Badges 3.0, CLR 2.0 and any W3C verifiable credential (1.1 and 2.0), as JSON or as a JWT; of a CLR or a presentation
// each credential inside as well.

/** Credentials read of one file; a transcript has some dozen. */
export const MOST = 50;

/** Bytes of one file; the largest published transcripts have some hundred thousand. */
export const LARGEST = 4 * 1024 * 1024;

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const DEEPEST = 8;

/**
 * Read every credential in a text.
 * @param {string} text
 * @returns {Array<{issuer: string, types: string[], achievements: string[], issued: string, expires: string, key: string}>}
 * @throws {SyntaxError} the text is neither JSON nor a JWT.
 */
export function read(text) {
  const found = [];
  collect(parse(text.replace(/^\ufeff/, "").trim()), found, 0);
  return found;
}

function parse(text) {
  if (!JWT.test(text)) {
    return JSON.parse(text);
  }
  const [head, payload] = text.split(".").slice(0, 2).map(decodePart);
  const inner = payload.vc ?? payload.vp ?? payload;
  const stated = typeof inner === "object" && inner !== null ? { ...inner } : {};
  stated.issuer ??= payload.iss;
  stated.validFrom ??= stated.issuanceDate ?? day(payload.nbf ?? payload.iat);
  stated.validUntil ??= stated.expirationDate ?? day(payload.exp);
  stated.proof ??= { verificationMethod: head.kid };
  return stated;
}

function decodePart(part) {
  const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

/** Seconds since 1970 as RFC 3339; empty for anything else. */
function day(seconds) {
  const time = new Date(Number(seconds) * 1000);
  return typeof seconds === "number" && !Number.isNaN(time.valueOf()) ? `${time.toISOString().slice(0, 19)}Z` : "";
}

function collect(value, found, depth) {
  if (depth > DEEPEST || found.length >= MOST || value === null) {
    return;
  }
  if (typeof value === "string") {
    if (JWT.test(value)) {
      collect(parse(value), found, depth + 1);
    }
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((one) => collect(one, found, depth));
    return;
  }
  if (typeof value !== "object") {
    return;
  }
  const issuer = idOf(value.issuer);
  if (issuer) {
    found.push({
      issuer,
      types: words(value.type ?? value["@type"]),
      achievements: achievementsOf(value.credentialSubject),
      issued: dateOf(value.validFrom, value.issuanceDate, value.awardedDate, value.issuedOn),
      expires: dateOf(value.validUntil, value.expirationDate),
      key: keyOf(value.proof),
    });
  }
  const subjects = list(value.credentialSubject);
  for (const inner of [value.verifiableCredential, ...subjects.map((one) => one?.verifiableCredential)]) {
    collect(inner ?? null, found, depth + 1);
  }
}

const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const words = (value) => list(value).filter((one) => typeof one === "string" && one !== "");
const idOf = (value) => (typeof value === "string" ? value : typeof value?.id === "string" ? value.id : "");
const dateOf = (...values) => values.find((one) => typeof one === "string" && /^\d{4}-\d{2}-\d{2}/.test(one)) ?? "";
const keyOf = (proof) => list(proof).map((one) => idOf(one?.verificationMethod)).find(Boolean) ?? "";

/** The types of all achievements: one that may not be issued is not to hide behind one that may. */
function achievementsOf(subject) {
  const achievements = list(subject).flatMap((one) => list(one?.achievement));
  return [...new Set(achievements.flatMap((one) => words(one?.achievementType)))];
}
