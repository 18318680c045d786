/**
 * Snapshots: all records in one file, for verifiers that ask offline.
 *
 *     snapshot = "accredit-snapshot/v1" LF, statements root[32], u64 number of records, records, state note
 *     record   = u8 type, u16 length of the id, id, u32 length, record's deterministic CBOR
 *
 * Records stand in the order of their keys in the state map, each once; numbers are big-endian. Nothing is believed:
 * `load` recomputes the map and compares its root with that of the note. A snapshot covers the time up to its note's
 * age limit; beyond it the answer is `stale_view`, never "not revoked". Deltas are not read: fetch the next snapshot
 * whole.
 *
 * @module
 */

import { compare, hex, sha256, textOf, utf8 } from "../encoding/bytes.js";
import { IDENTIFIER_CHARS } from "../encoding/identifiers.js";
import { text } from "../encoding/rfc3339.js";
import { open } from "../decision/verdict.js";
import { DecodeError, RefusedError } from "../errors.js";
import { NOTE_BYTES_MAX } from "../transparency/signed_note.js";
import { AHEAD_MAX } from "../transparency/state_note.js";
import { stateRoot, subtreeHash } from "../transparency/state_trie.js";
import { decideOver, spelledOrAsIs } from "./deciding.js";
import { decodeRecord, RECORD_BYTES, recordKey, TYPES } from "./proved_records.js";
import { CheckError, readNote } from "./state_check.js";
import { LIFETIME } from "./trust_policy.js";

const MAGIC = utf8("accredit-snapshot/v1\n");
const ID_BYTES = 4 * IDENTIFIER_CHARS;

/** @typedef {import("../decision/query.js").Query} Query */
/** @typedef {import("../decision/verdict.js").Decision} Decision */
/** @typedef {import("./proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("./state_check.js").NotedState} NotedState */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */

/** Verified records: only `load` makes one. */
export class Snapshot {
  #raw;
  #policy;
  /** @type {Map<string, RegistryRecord>} */
  #read = new Map();

  /**
   * @param {Map<string, Uint8Array>} raw
   * @param {NotedState} noted
   * @param {TrustPolicy} policy
   */
  constructor(raw, noted, policy) {
    this.#raw = raw;
    this.#policy = policy;
    /** @readonly The state they are of. */
    this.noted = noted;
  }

  /**
   * Return the verified snapshot in a file.
   *
   * @param {Uint8Array} data
   * @param {TrustPolicy} policy
   * @param {number} now the verifier's clock, seconds since 1970. An old note is accepted, and covers little.
   * @returns {Promise<Snapshot>}
   * @throws {DecodeError} it is no snapshot
   * @throws {RefusedError} the note does not stand (`CheckError`), or the records are not those of the note
   */
  static async load(data, policy, now) {
    const reading = new Reading(data);
    const statementsRoot = reading.take(32);
    /** @type {Map<string, Uint8Array>} */
    const raw = new Map();
    const leaves = [];
    /** @type {Uint8Array} */
    let before = new Uint8Array();
    for (let left = reading.number(8); left > 0n; left -= 1n) {
      const { type, id, record } = reading.record();
      const key = await recordKey(type, id);
      if (compare(key, before) <= 0) throw wrong("its records are not in the order of their keys, each once.");
      before = key;
      leaves.push({ key, value: await sha256(record) });
      raw.set(`${type} ${id}`, record);
    }
    const noted = await readNote(reading.rest(), policy, now, LIFETIME);
    if (hex(await stateRoot(await subtreeHash(leaves), statementsRoot)) !== noted.state.root) {
      throw new RefusedError(
        "snapshot_root",
        "The records lead to another root than the state note has.",
        "Discard the file and fetch it from another node; with its note it is evidence against its source.",
      );
    }
    return new Snapshot(raw, noted, policy);
  }

  /** How many records it holds. */
  get size() {
    return this.#raw.size;
  }

  /**
   * Return a record; null if there is none.
   *
   * @param {string} type
   * @param {string} id
   * @returns {RegistryRecord | null}
   * @throws {CheckError} a quorum vouched for what is no record
   */
  get(type, id) {
    const subject = `${type} ${id}`;
    const raw = this.#raw.get(subject);
    if (raw === undefined) return null;
    const record = this.#read.get(subject) ?? decodeRecord(raw, `the ${type} record of ${id}`);
    this.#read.set(subject, record);
    return record;
  }

  /**
   * Whether answers about now may be given: the note is young enough, and the policy has not expired.
   *
   * @param {number} now
   * @param {number | null} [maxAge] of the note, seconds, in place of the policy's
   */
  covers(now, maxAge = null) {
    const since = Number(this.noted.since);
    return since - AHEAD_MAX <= now && now < Math.min(since + (maxAge ?? this.#policy.maxAge), this.#policy.expires);
  }

  /**
   * Return the decision on a query; `stale_view` where the snapshot is too old for it. A question about a time before
   * the snapshot's note is answered at any age of it, as of the note: the reason `as_of_snapshot` says so.
   *
   * @param {Query} query
   * @param {number} now the verifier's clock, seconds since 1970
   * @param {number | null} [maxAge] of the note, seconds, in place of the policy's; the verifier's own choice
   * @returns {Decision}
   */
  ask(query, now, maxAge = null) {
    const since = Number(this.noted.since);
    const isCurrent = this.covers(now, maxAge);
    const isPast = query.time !== undefined && query.time !== null && query.time <= since;
    if (!isCurrent && !(isPast && this.covers(now, LIFETIME))) {
      const said = `Not covered: this snapshot says how things stood at ${text(since)}; what came since is not known.`;
      return open(query, now, "stale_view", "not_covered", said);
    }
    if (!this.#policy.reliesOn(spelledOrAsIs(query.authority))) {
      const said = `The trust policy does not rely on ${query.authority}.`;
      return open(query, now, "indeterminate", "authority_not_relied_on", said);
    }
    let decision;
    try {
      decision = decideOver(query, this, isCurrent ? now : since, this.#policy.charter);
    } catch (error) {
      if (!(error instanceof CheckError)) throw error;
      return open(query, now, "indeterminate", "state_damaged", `About ${query.entity}: ${error.sentence}`);
    }
    if (isCurrent) return decision;
    const said = `As this snapshot knew it at ${text(since)}; what was stated since is not known.`;
    const reasons = [...decision.reasons, { code: "as_of_snapshot", text: said }];
    return { ...decision, reasons, valid_until: null };
  }
}

/** A file and how far it has been read. */
class Reading {
  #data;
  #at = MAGIC.length;

  /** @param {Uint8Array} data */
  constructor(data) {
    this.#data = data;
    if (compare(data.subarray(0, MAGIC.length), MAGIC) !== 0) throw wrong("expected its first line.");
  }

  /** @param {number} count */
  take(count) {
    const taken = this.#data.slice(this.#at, this.#at + count);
    if (taken.length < count) throw wrong("it ends early.");
    this.#at += count;
    return taken;
  }

  /** @param {number} count */
  number(count) {
    return this.take(count).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
  }

  record() {
    const type = TYPES[Number(this.number(1)) - 1];
    const idBytes = Number(this.number(2));
    if (type === undefined || idBytes < 1 || idBytes > ID_BYTES) {
      throw wrong("a record has an unknown type, or an id without end.");
    }
    let id;
    try {
      id = textOf(this.take(idBytes));
    } catch (error) {
      if (error instanceof DecodeError) throw error;
      throw wrong("an id is not UTF-8.");
    }
    const length = Number(this.number(4));
    if (length < 1 || length > RECORD_BYTES) throw wrong(`the ${type} record of ${id} has ${length} bytes.`);
    return { type, id, record: this.take(length) };
  }

  rest() {
    const rest = this.#data.slice(this.#at);
    if (rest.length > NOTE_BYTES_MAX) throw wrong("something long follows its records.");
    return rest;
  }
}

/** @param {string} message */
function wrong(message) {
  return new DecodeError("snapshot", `This is no snapshot: ${message}`, "Fetch it again.");
}
