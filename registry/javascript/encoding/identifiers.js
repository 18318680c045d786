/**
 * One spelling for every identifier: a DID, an http(s) URL or a URN, by the rules of the registry
 * (`docs/identifiers.md`).
 *
 * @module
 */

import { DecodeError } from "../errors.js";
import { characters } from "./bytes.js";

/** Characters of an identifier in a record, at most. */
export const IDENTIFIER_CHARS = 512;

const FORBIDDEN = /[^!-~]|["<>[\\\]^`{|}]/u;
const DID = /^did:([a-z0-9]+):([a-z0-9._:%-]*[a-z0-9._%-])$/i;
const URL_PARTS = /^(https?):\/\/([^/?]*)([^?]*)(?:\?(.*))?$/i;
const USER_PART = /^\s*[a-z][a-z0-9+.-]*:\/+[^/?#]*@/i;
const URN = /^urn:([a-z0-9][a-z0-9-]{0,30}[a-z0-9]):((?!\/)[a-z0-9._~!$&'()*+,;=:@%/-]+)$/i;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/; // RFC 1123 section 2.1
const HOST_CHARS = 253;
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;
const BYTE = /^(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])$/;
const PORT = /^[0-9]{0,9}$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;
/** @type {Record<string, number>} */
const PORTS = { https: 443, http: 80 };

/**
 * Return the canonical spelling of a DID, an http(s) URL or a URN.
 *
 * @param {string} text
 * @param {number} [maxChars]
 * @returns {string}
 * @throws {DecodeError} it is none of these; the message names the character or part at fault
 */
export function canonical(text, maxChars = IDENTIFIER_CHARS) {
  checkLength(text, maxChars);
  if (USER_PART.test(text))
    throw wrong("url", "The URL carries a user name or password.", "Remove the part before the @.");
  if (text !== text.trim()) throw wrong("space", `${shown(text)} begins or ends with white space.`, "Remove it.");
  const forbidden = FORBIDDEN.exec(text);
  if (forbidden)
    throw wrong("character", `${shown(text)} contains ${shown(forbidden[0])}, which no URI may (RFC 3986).`);
  if (text.includes("#")) {
    throw wrong(
      "fragment",
      `${shown(text)} has a fragment, which names a part or a key.`,
      "Give the part before the #.",
    );
  }
  const scheme = (text.split(":", 1)[0] ?? "").toLowerCase();
  let spelled;
  if (scheme === "did") spelled = canonicalDid(text);
  else if (scheme in PORTS) spelled = canonicalUrl(text);
  else if (scheme === "urn") spelled = canonicalUrn(text);
  else {
    throw wrong(
      "scheme",
      `${shown(text)} is neither a DID, an http(s) URL nor a URN.`,
      "An identifier looks like did:web:example.edu or https://example.edu/.",
    );
  }
  checkLength(spelled, maxChars); // an empty path became one character longer
  return spelled;
}

/**
 * Return the canonical spelling of what may issue credentials or govern: a DID or an https URL.
 *
 * @param {string} text
 * @returns {string}
 * @throws {DecodeError}
 */
export function canonicalIssuer(text) {
  const spelled = canonical(text);
  if (!/^(?:did|https):/.test(spelled)) {
    throw wrong("scheme", `${shown(text)} cannot name an issuer or authority.`, "Give its DID or its https URL.");
  }
  return spelled;
}

/**
 * Return a text up to its first `#`: the DID of a verification method.
 *
 * @param {string} text
 * @returns {string}
 */
export function withoutFragment(text) {
  return /** @type {string} */ (text.split("#", 1)[0]);
}

/**
 * @param {string} what
 * @param {string} message
 * @param {string} [hint]
 */
function wrong(what, message, hint = "Copy it whole.") {
  return new DecodeError(`identifier_${what}`, message, hint);
}

/** @param {string} text */
function shown(text) {
  return JSON.stringify(text);
}

/**
 * @param {string} text
 * @param {number} maxChars
 */
function checkLength(text, maxChars) {
  const count = characters(text);
  if (count < 1 || count > maxChars) throw wrong("length", `An identifier has 1 to ${maxChars} characters.`);
}

/** @param {string} text */
function canonicalDid(text) {
  const match = DID.exec(text);
  if (!match) throw wrong("did", `${shown(text)} is not a DID (did:method:id).`);
  const method = /** @type {string} */ (match[1]).toLowerCase();
  const specific = escapes(/** @type {string} */ (match[2]), text, false);
  return `did:${method}:${method === "web" ? canonicalDidWeb(specific, text) : specific}`;
}

/**
 * @param {string} specific
 * @param {string} whole
 */
function canonicalDidWeb(specific, whole) {
  const [authority, colon, path] = partition(specific, ":");
  const [host, , port] = partition(authority, "%3A");
  if (
    path
      .replaceAll("%2E", ".")
      .split(":")
      .some((part) => part === "." || part === "..")
  ) {
    // Whoever fetches the document would remove them: another DID of the same document.
    throw wrong("did", `${shown(whole)} has a path with dots.`, "Write the path without them.");
  }
  return authorityOf(host, port, "https", whole).replace(":", "%3A") + colon + path;
}

/** @param {string} text */
function canonicalUrn(text) {
  const match = URN.exec(text);
  if (!match) throw wrong("urn", `${shown(text)} is not a URN (urn:namespace:name).`);
  const namespace = /** @type {string} */ (match[1]).toLowerCase();
  const name = /** @type {string} */ (match[2]);
  return `urn:${namespace}:${escapes(namespace === "uuid" ? name.toLowerCase() : name, text, false)}`;
}

/** @param {string} text */
function canonicalUrl(text) {
  const match = URL_PARTS.exec(text);
  if (!match) throw wrong("url", `${shown(text)} is not a URL (https://host/path).`);
  const scheme = /** @type {string} */ (match[1]).toLowerCase();
  const [host, , port] = partition(/** @type {string} */ (match[2]), ":");
  const path = withoutDots(escapes(/** @type {string} */ (match[3]), text)) || "/";
  const query = match[4] ? `?${escapes(match[4], text)}` : "";
  return `${scheme}://${authorityOf(host, port, scheme, text)}${path}${query}`;
}

/**
 * Return host and port: lower case, no final dot, no empty or default port.
 *
 * @param {string} host
 * @param {string} port
 * @param {string} scheme
 * @param {string} whole
 */
function authorityOf(host, port, scheme, whole) {
  const name = host.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  if (name.length > HOST_CHARS || !labels.every((label) => LABEL.test(label))) {
    throw wrong("host", `${shown(whole)} has no valid host name.`);
  }
  // What ends in a number is an IPv4 address to those who fetch it (WHATWG URL section 3.5), also 0x7f.1.
  const isNumber = NUMBER.test(/** @type {string} */ (labels.at(-1)));
  if (isNumber && (labels.length !== 4 || !labels.every((label) => BYTE.test(label)))) {
    throw wrong("host", `${shown(whole)} has an unusual IPv4 address.`, "Write it as four decimal numbers.");
  }
  if (!PORT.test(port) || (port && (Number(port) < 1 || Number(port) > 65_535))) {
    throw wrong("host", `${shown(whole)} has no valid port.`, "A port is 1 to 65535.");
  }
  return !port || Number(port) === PORTS[scheme] ? name : `${name}:${Number(port)}`;
}

/**
 * Return percent-encodings in upper case, and those of unreserved characters decoded (RFC 3986 section 6.2.2.2).
 *
 * @param {string} part
 * @param {string} whole
 * @param {boolean} [decodeUnreserved]
 */
function escapes(part, whole, decodeUnreserved = true) {
  return part.replace(/%([0-9A-Fa-f]{2})?/g, (found, digits) => {
    if (digits === undefined) {
      throw wrong("escape", `${shown(whole)} has a % without two hexadecimal digits.`, "Write % as %25.");
    }
    const character = String.fromCharCode(parseInt(digits, 16));
    return decodeUnreserved && UNRESERVED.test(character) ? character : found.toUpperCase();
  });
}

/**
 * Return an absolute path without dot segments (RFC 3986 section 5.2.4).
 *
 * @param {string} path
 */
function withoutDots(path) {
  /** @type {string[]} */
  const kept = [];
  const segments = path.split("/").slice(1);
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  if (segments.at(-1) === "." || segments.at(-1) === "..") kept.push("");
  return kept.map((segment) => `/${segment}`).join("");
}

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string, string]}
 */
function partition(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)];
}
