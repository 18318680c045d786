// The credential inside a baked badge: a PNG or an SVG file that carries one (Open Badges 3.0 §5.3). Nothing is drawn, run or fetched.
//
//   await credentialIn(bytes)  ->  its text, JSON or a JWT; of a file that is no picture the file's own text; null of a picture without one

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORD = "openbadgecredential";
const DECLARED = /xmlns:([\w-]+)\s*=\s*["']https:\/\/purl\.imsglobal\.org\/ob\/v3p0["']/;
const JWT = /^\s*[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\s*$/;
const MARKED_UP = /<!\[CDATA\[([^]*?)\]\]>|&(#?\w+);/g;
const ASCII = new TextDecoder("latin1");

/**
 * Find the text of a credential in a file.
 * @param {Uint8Array} bytes
 * @param {number} largest bytes of a text that was compressed
 * @returns {Promise<string | null>}
 */
export async function credentialIn(bytes, largest) {
  if (PNG.every((byte, at) => bytes[at] === byte)) {
    return inPng(bytes, largest);
  }
  return inText(new TextDecoder().decode(bytes));
}

/**
 * The same for a text: that of an SVG file, or the credential itself.
 * @param {string} text
 * @returns {string | null}
 */
export function inText(text) {
  return /^\ufeff?\s*</.test(text) ? inSvg(text) : text;
}

/**
 * The element that Open Badges puts into an SVG file: the credential is its content, or a JWT in its attribute.
 * It is looked for in the text. A parser would have the browser judge a stranger's styles under the page's own policy.
 */
function inSvg(text) {
  const prefix = DECLARED.exec(text)?.[1];
  const start = prefix ? text.indexOf(`<${prefix}:credential`) : -1;
  const end = text.indexOf(">", start);
  if (start < 0 || end < 0) {
    return null;
  }
  const tag = text.slice(start, end);
  const signed = /\sverify\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(tag);
  if (signed && JWT.test(signed[1] ?? signed[2])) {
    return (signed[1] ?? signed[2]).trim();
  }
  const close = text.indexOf(`</${prefix}:credential`, end);
  const content = tag.endsWith("/") || close < 0 ? "" : text.slice(end + 1, close);
  return content.replace(MARKED_UP, (all, raw, name) => raw ?? characterOf(name) ?? all).trim() || null;
}

/** The character that a reference stands for; undefined for one that XML itself does not know. */
function characterOf(name) {
  const number = /^#(x?)([0-9a-f]{1,6})$/i.exec(name);
  const code = number ? parseInt(number[2], number[1] ? 16 : 10) : NaN;
  return number ? (code <= 0x10ffff ? String.fromCodePoint(code) : undefined) : { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name];
}

/** Chunks are: length, type, data, checksum. One that goes beyond the end ends the search. */
async function inPng(bytes, largest) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = PNG.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = ASCII.decode(bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (data.length < length || type === "IEND") {
      return null;
    }
    const found = type === "iTXt" || type === "tEXt" ? await textOf(type, data, largest) : null;
    if (found !== null) {
      return found;
    }
    at += 12 + length;
  }
  return null;
}

/** What a chunk of text says, if it has our keyword: behind it iTXt has whether it is compressed, how, a language and a translation. */
async function textOf(type, data, largest) {
  const end = data.indexOf(0);
  if (ASCII.decode(data.subarray(0, Math.max(end, 0))) !== KEYWORD) {
    return null;
  }
  if (type === "tEXt") {
    return decoded(data.subarray(end + 1));
  }
  const isCompressed = data[end + 1] === 1;
  const language = data.indexOf(0, end + 3);
  const translation = data.indexOf(0, language + 1);
  if (language < 0 || translation < 0) {
    return null;
  }
  const text = data.subarray(translation + 1);
  return decoded(isCompressed ? await inflated(text, largest) : text);
}

/** As UTF-8, which most write also where the format says Latin-1. */
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return ASCII.decode(bytes);
  }
}

/** The bytes that were compressed (zlib), as many as a credential may have. */
async function inflated(bytes, largest) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return new Uint8Array(await new Blob(parts).arrayBuffer());
    }
    size += value.length;
    if (size > largest) {
      await reader.cancel();
      throw new RangeError("too large");
    }
    parts.push(value);
  }
}
