/**
 * A bucket: everything that the state map holds under a prefix, so that nobody learns whom one asks about.
 *
 *     {"bits": number, "prefix": hex, "leaves": [[type, id, digest hex], …], "proof": base64,
 *      "records": [{"type", "id", "record": base64 / null, "proof": base64}, …],
 *      "records_root": hex, "statements_root": hex, "note": text}            JSON, of `/v1/issuers/by-prefix/{hex}`
 *
 * An asker names the first digits of `recordKey("issuer", id)`, and of `recordKey("alias", id)`, and finds its own
 * among all that begin so. That none was left out is proved: the hash of the subtree under the prefix, made anew from
 * the leaves, and the siblings above it lead to the root, or they do not.
 *
 * @module
 */

import { equal, hex, isDigest, unbase64, unhex, utf8 } from "../encoding/bytes.js";
import { AccreditError, DecodeError, EnvironmentError, RefusedError } from "../errors.js";
import {
  areInOrder,
  bit,
  checkProof,
  climb,
  decodeProof,
  DEPTH_MAX,
  stateRoot,
  subtreeHash,
} from "../transparency/state_trie.js";
import { checkAuthority, decideOver } from "./deciding.js";
import { isSubject, provenRecord, ProvenRecords, recordKey } from "./proved_records.js";
import { CheckError, readNote } from "./state_check.js";

/** Leaves under one prefix. */
export const LEAVES_MAX = 20_000;

/** @typedef {import("../decision/query.js").Query} Query */
/** @typedef {import("../decision/verdict.js").Decision} Decision */
/** @typedef {import("../transparency/state_trie.js").Leaf} Leaf */
/** @typedef {import("./proved_records.js").RegistryRecord} RegistryRecord */
/** @typedef {import("./proved_records.js").ProvenRecord} ProvenRecord */
/** @typedef {import("./state_check.js").NotedState} NotedState */
/** @typedef {import("./trust_policy.js").TrustPolicy} TrustPolicy */
/**
 * A bucket, unverified.
 *
 * @typedef {object} Bucket
 * @property {number} bits
 * @property {Uint8Array} first the lowest key under the prefix
 * @property {{type: string, id: string, digest: Uint8Array}[]} leaves
 * @property {Uint8Array} proof
 * @property {ProvenRecord[]} records
 * @property {Uint8Array} recordsRoot
 * @property {Uint8Array} statementsRoot
 * @property {Uint8Array} note
 */

/** A record was asked about whose key is not hashed yet: WebCrypto hashes asynchronously, and decisions do not wait. */
class UnhashedError extends Error {
  /**
   * @param {string} type
   * @param {string} id
   */
  constructor(type, id) {
    super(`${type} ${id}`);
    this.type = type;
    this.id = id;
  }
}

/** The records of a verified bucket, or null for a proven absence. Only `openBucket` makes one. */
export class BucketRecords {
  #bucket;
  #leaves;
  #proven;
  /** @type {Map<string, Uint8Array>} */
  #keys = new Map();

  /**
   * @param {NotedState} noted
   * @param {Bucket} bucket
   * @param {ProvenRecords} proven
   */
  constructor(noted, bucket, proven) {
    /** @readonly */
    this.noted = noted;
    this.#bucket = bucket;
    this.#leaves = new Set(bucket.leaves.map(({ type, id }) => `${type} ${id}`));
    this.#proven = proven;
  }

  /**
   * @param {string} type
   * @param {string} id
   * @returns {RegistryRecord | null}
   * @throws {CheckError} nothing is proved about it
   */
  get(type, id) {
    const key = this.#keys.get(`${type} ${id}`);
    if (key === undefined) throw new UnhashedError(type, id);
    if (covers(this.#bucket, key) && !this.#leaves.has(`${type} ${id}`)) return null;
    return this.#proven.get(type, id);
  }

  /**
   * Make a record known to `get`.
   *
   * @param {string} type
   * @param {string} id
   */
  async hash(type, id) {
    this.#keys.set(`${type} ${id}`, await recordKey(type, id));
  }
}

/**
 * Return what an answer of `/v1/issuers/by-prefix/{hex}` holds, unverified.
 *
 * @param {any} value as JSON has it
 * @returns {Bucket}
 * @throws {DecodeError} it is none
 */
export function decodeBucket(value) {
  try {
    const { bits, leaves, records } = value;
    if (!Number.isInteger(bits) || bits < 0 || bits > DEPTH_MAX || leaves.length > LEAVES_MAX)
      throw new TypeError("bits or leaves");
    const first = digest(String(value.prefix).padEnd(DEPTH_MAX / 4, "0"));
    for (let at = bits; at < DEPTH_MAX; at += 1) first[at >> 3] = Number(first[at >> 3]) & ~(0x80 >> (at & 7));
    return {
      bits,
      first,
      leaves: list(leaves).map(leaf),
      proof: unbase64(value.proof),
      records: list(records).map(({ type, id, record, proof }) =>
        provenRecord([type, id, record === null ? null : unbase64(record), unbase64(proof)]),
      ),
      recordsRoot: digest(value.records_root),
      statementsRoot: digest(value.statements_root),
      note: utf8(required(value.note)),
    };
  } catch (error) {
    if (error instanceof TypeError || error instanceof DecodeError) {
      throw new DecodeError(
        "bucket",
        `This is no bucket of issuers (${error.message.slice(0, 200)}).`,
        "Ask another node.",
      );
    }
    throw error;
  }
}

/**
 * Check a bucket: its note, its roots, that all under the prefix is there, and every record's proof.
 *
 * @param {Bucket} bucket
 * @param {TrustPolicy} policy
 * @param {number} now the verifier's clock, seconds since 1970
 * @returns {Promise<BucketRecords>}
 * @throws {CheckError} it does not hold; `check` says which check failed
 */
export async function openBucket(bucket, policy, now) {
  const noted = await readNote(bucket.note, policy, now);
  const { recordsRoot } = bucket;
  if (hex(await stateRoot(recordsRoot, bucket.statementsRoot)) !== noted.state.root) {
    throw new CheckError("refuted", "root", "The roots of records and statements are not those of the note.");
  }
  const leaves = await Promise.all(
    bucket.leaves.map(async ({ type, id, digest: value }) => ({ key: await recordKey(type, id), value })),
  );
  try {
    await checkPrefix(bucket, leaves);
  } catch (error) {
    if (!(error instanceof AccreditError) || error instanceof EnvironmentError) throw error;
    throw new CheckError("refuted", "prefix", error.sentence, error.hint);
  }
  return new BucketRecords(noted, bucket, await ProvenRecords.open(recordsRoot, bucket.records));
}

/**
 * Return the decision on a query over verified buckets.
 *
 * @param {Query} query
 * @param {readonly BucketRecords[]} opened
 * @param {TrustPolicy} policy
 * @param {number} now the verifier's clock, seconds since 1970
 * @returns {Promise<Decision>}
 * @throws {CheckError} the policy does not rely on the authority, or the buckets lack what the decision reads
 * @throws {RefusedError} `buckets_differ`: they are of different states
 */
export async function ask(query, opened, policy, now) {
  checkAuthority(query, policy);
  const buckets = new Buckets(opened);
  for (;;) {
    try {
      return decideOver(query, buckets, now, policy.charter);
    } catch (error) {
      if (!(error instanceof UnhashedError)) throw error;
      // A decision has no effects, so it can be made again once the key that it asked about is known.
      for (const one of opened) await one.hash(error.type, error.id);
    }
  }
}

/** Several buckets of one state, as one `Records`. */
class Buckets {
  #opened;

  /** @param {readonly BucketRecords[]} opened */
  constructor(opened) {
    const states = new Set(
      opened.map(({ noted: { state } }) => JSON.stringify({ ...state, count: String(state.count) })),
    );
    if (states.size !== 1) {
      throw new RefusedError(
        "buckets_differ",
        "The buckets are of different states.",
        "Ask again: a newer one was just noted.",
      );
    }
    this.#opened = opened;
  }

  /**
   * @param {string} type
   * @param {string} id
   * @returns {RegistryRecord | null}
   */
  get(type, id) {
    let missing;
    for (const one of this.#opened) {
      try {
        return one.get(type, id);
      } catch (error) {
        if (!(error instanceof CheckError)) throw error;
        missing = error;
      }
    }
    throw missing;
  }
}

/**
 * Check that leaves are all there are under a bucket's prefix.
 *
 * @param {Bucket} bucket
 * @param {readonly Leaf[]} leaves
 * @throws {DecodeError} the bytes are no proof
 * @throws {RefusedError} it is one of something else, or leaves are missing, made up, or not in order
 */
async function checkPrefix(bucket, leaves) {
  const { recordsRoot, first, bits, proof } = bucket;
  const value = await checkProof(recordsRoot, first, proof);
  const { siblings, terminal } = decodeProof(proof);
  if (siblings.length <= bits) {
    // The path ends above the prefix: the proof alone says what is below, nothing or one leaf.
    const other = { key: terminal.slice(0, 32), value: terminal.slice(32) };
    const there =
      value !== null ? [{ key: first, value }] : terminal.length && covers(bucket, other.key) ? [other] : [];
    const isSame = leaves.length === there.length && leaves.every((one, at) => isSameLeaf(one, there[at]));
    if (!isSame) throw wrongLeaves();
    return;
  }
  if (!areInOrder(leaves) || !leaves.every(({ key }) => covers(bucket, key))) throw wrongLeaves();
  const root = await climb(await subtreeHash(leaves, bits), first, siblings.slice(0, bits));
  if (!equal(root, recordsRoot)) throw wrongLeaves();
}

/**
 * @param {Leaf} one
 * @param {Leaf | undefined} other
 */
function isSameLeaf(one, other) {
  return other !== undefined && equal(one.key, other.key) && equal(one.value, other.value);
}

/**
 * Return whether a key begins like a bucket's prefix.
 *
 * @param {Bucket} bucket
 * @param {Uint8Array} key
 */
function covers({ first, bits }, key) {
  for (let at = 0; at < bits; at += 1) if (bit(first, at) !== bit(key, at)) return false;
  return true;
}

function wrongLeaves() {
  return new RefusedError(
    "prefix_leaves",
    "These are not all the leaves under the prefix, or not those.",
    "Ask another node: somebody left something out.",
  );
}

/** @param {unknown} value */
function leaf(value) {
  const [type, id, raw, ...more] = list(value);
  if (!isSubject(type, id) || more.length) throw new TypeError("a leaf is of no record");
  return { type: String(type), id: String(id), digest: digest(raw) };
}

/**
 * @param {unknown} value
 * @returns {any[]}
 */
function list(value) {
  if (!Array.isArray(value)) throw new TypeError("expected a list");
  return value;
}

/** @param {unknown} value */
function required(value) {
  if (typeof value !== "string") throw new TypeError("expected text");
  return value;
}

/** @param {unknown} value */
function digest(value) {
  if (!isDigest(value)) throw new TypeError("a digest has 64 lower-case hexadecimal digits");
  return unhex(value);
}
