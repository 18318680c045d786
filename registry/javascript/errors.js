/**
 * Every error that the kit throws, sorted by who is at fault. Decoders given arbitrary bytes throw nothing but these.
 *
 * @module
 */

/** The common base; only its subclasses are thrown. */
export class AccreditError extends Error {
  /**
   * @param {string} code stable snake_case word, for machines
   * @param {string} message one sentence that names what is wrong and where
   * @param {string} [hint] one sentence that says what to do next
   */
  constructor(code, message, hint = "") {
    super(hint ? `${message} ${hint}` : message);
    this.name = new.target.name;
    /** @readonly */
    this.code = code;
    /** @readonly The sentence alone, without the hint. */
    this.sentence = message;
    /** @readonly */
    this.hint = hint;
  }
}

/** Not a well-formed thing of its kind: bytes, text, a member or its type. */
export class DecodeError extends AccreditError {}

/** Well-formed, and against a rule. */
export class RefusedError extends AccreditError {}

/** This browser or runtime cannot do what checking needs; nothing is said about the answer. */
export class EnvironmentError extends AccreditError {}
