// Making parts of a page: text stays text, whoever wrote it.

/**
 * Make an element.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} content strings become text, never HTML
 */
export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...content);
  return made;
}

/** Strangers' text, kept apart from the text around it; what shows nothing or reorders is escaped. */
export function isolated(text) {
  return element("bdi", {}, visible(text));
}

/** Text with everything invisible or reordering escaped, as the node itself shows it. */
export function visible(text) {
  return String(text).replace(/[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, (one) =>
    `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A phrase with its {names} filled in by strings or nodes. */
export function filled(phrase, values) {
  const made = document.createDocumentFragment();
  for (const part of phrase.split(/(\{\w+\})/)) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    made.append(name === undefined ? part : (values[name] ?? ""));
  }
  return made;
}

/** What the page brings along for its script: its words (`strings`), or what was asked (`asked`). */
export function brought(id) {
  return JSON.parse(document.getElementById(id).textContent);
}
