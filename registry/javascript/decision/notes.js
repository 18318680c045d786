/**
 * Takes notes while one accreditation or mandate is judged, and makes the finding that follows from them.
 *
 * @module
 */

import { day } from "../encoding/rfc3339.js";

/** @typedef {import("./authority_chain.js").Chain} Chain */
/** @typedef {import("./verdict.js").Finding} Finding */
/** @typedef {import("./verdict.js").Reason} Reason */
/** @typedef {import("./verdict.js").Verdict} Verdict */

/** The reasons and citations that accumulate while one accreditation or mandate is judged. */
export class Notes {
  /** @type {Reason[]} */
  refusals = [];
  /** @type {Reason[]} */
  suspensions = [];
  /** @type {Reason[]} */
  gaps = [];
  /** @type {Reason[]} */
  later = [];
  /** @type {Reason[]} */
  advisories = [];
  /** @type {Reason[]} */
  mapped = [];
  /** @type {Reason[]} */
  proved = [];
  /** @type {string[]} */
  unchecked = [];
  /** @type {Set<string>} */
  statements = new Set();
  /** @type {number[]} */
  dates = [];

  /** @type {(code: string, text: string) => void} */
  refuse(code, text) {
    this.refusals.push({ code, text });
  }

  /** @type {(code: string, text: string) => void} */
  miss(code, text) {
    this.gaps.push({ code, text });
  }

  /** @type {(code: string, text: string) => void} */
  lose(code, text) {
    this.later.push({ code, text });
  }

  /** @type {(code: string, text: string) => void} */
  advise(code, text) {
    this.advisories.push({ code, text });
  }

  /** @param {number} existed */
  prove(existed) {
    const text = `It existed by ${day(existed)}, before anything that makes its date or its key doubtful.`;
    this.proved = [{ code: "existence_proved", text }];
  }

  /** @param {Iterable<string>} statements */
  cite(statements) {
    for (const statement of statements) this.statements.add(statement);
  }

  /** Whether all is well so far. */
  get isGood() {
    return !this.refusals.length && !this.suspensions.length && !this.gaps.length;
  }

  /**
   * Return the finding that follows from everything noted.
   *
   * @param {Reason} positive
   * @param {Chain} chain
   * @param {number} now
   * @param {{id?: string | null, issuer?: string | null, away?: number}} [of]
   * @returns {Finding}
   */
  finding(positive, chain, now, { id = null, issuer = null, away = 0 } = {}) {
    const against = [...this.refusals, ...this.suspensions, ...this.gaps];
    /** @type {[Verdict, Reason[]]} */
    const [verdict, reasons] = this.refusals.length
      ? ["not_trusted", against]
      : this.suspensions.length
        ? ["suspended", against]
        : this.gaps.length
          ? ["indeterminate", against]
          : this.later.length
            ? ["trusted_historical", [...this.later, positive, ...this.mapped, ...this.proved, ...this.advisories]]
            : this.advisories.length
              ? ["trusted_with_advisory", [positive, ...this.mapped, ...this.proved, ...this.advisories]]
              : ["trusted", [positive, ...this.mapped, ...this.proved]];
    const dates = this.dates.filter((date) => date > now);
    const statements = [...this.statements];
    return { verdict, reasons, id, issuer, statements, chain, unchecked: this.unchecked, dates, away };
  }
}
