/**
 * Runs the verifier's vectors with the JavaScript kit: `KIT=…/index.js VECTORS=… node --test vectors.test.js`.
 *
 * KIT is the kit's folder, as an address or a path; VECTORS that of docs/vectors/.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

const KIT = `${pathToFileURL(String(process.env.KIT)).href}/`;
const VECTORS = String(process.env.VECTORS);

const { ask, check, decodeBucket, openBucket, Snapshot, TrustPolicy, AccreditError, CheckError } = await import(
  `${KIT}index.js`
);
const { unbase64, unhex, hex, utf8 } = await import(`${KIT}encoding/bytes.js`);
const { decode, encode } = await import(`${KIT}encoding/cbor.js`);
const { isUsablePublic, verify } = await import(`${KIT}encoding/ed25519.js`);
const { checkProof } = await import(`${KIT}transparency/state_trie.js`);

/** @param {any} decision */
function decided({ verdict, reasons }) {
  return { result: "verified", check: "", verdict, reasons: reasons.map((/** @type {any} */ one) => one.code) };
}

/** @type {Record<string, (given: any, policy: any) => Promise<any>>} */
const RUN = {
  async evidence({ evidence, query, now, asked }, policy) {
    const { result, check: name, decision } = await check(unbase64(evidence), query, policy, now, { asked });
    return decision === null ? { result, check: name } : decided(decision);
  },
  async snapshots({ snapshot, query, now, max_age: maxAge }, policy) {
    return decided((await Snapshot.load(unbase64(snapshot), policy, now)).ask(query, now, maxAge));
  },
  async buckets({ buckets, query, now }, policy) {
    const opened = [];
    for (const one of buckets) opened.push(await openBucket(decodeBucket(one), policy, now));
    return decided(await ask(query, opened, policy, now));
  },
  async policies({ text }) {
    const policy = await TrustPolicy.decode(utf8(text));
    const { count, maxAge, authorities, signers } = policy;
    assert.equal(hex((await TrustPolicy.decode(policy.encode())).encode()), hex(policy.encode()));
    return { signers: signers.witnesses.length, verified: count, max_age: maxAge, relies_on: authorities };
  },
  async "map-proofs"({ root, key, proof }) {
    const value = await checkProof(unhex(root), unhex(key), unhex(proof));
    return { value: value === null ? null : hex(value) };
  },
  async signatures({ public: key, message, signature }) {
    return { accepted: await verify(unhex(key), unhex(message), unhex(signature)), usable: isUsablePublic(unhex(key)) };
  },
  async cbor({ cbor }) {
    try {
      return { accepted: hex(encode(decode(unhex(cbor)))) === cbor };
    } catch (error) {
      assert.ok(error instanceof AccreditError, String(error));
      return { accepted: false };
    }
  },
};

/**
 * @param {() => Promise<any>} run
 */
async function answered(run) {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CheckError) return { result: error.result, check: error.check };
    if (error instanceof AccreditError) return { error: error.code };
    throw error;
  }
}

for (const [name, run] of Object.entries(RUN)) {
  const { policies, vectors } = JSON.parse(await readFile(join(VECTORS, `${name}.json`), "utf8"));
  for (const given of vectors) {
    test(`${name}: ${given.name}`, async () => {
      const policy = "policy" in given ? await TrustPolicy.decode(utf8(policies[given.policy])) : null;
      assert.deepEqual(await answered(() => run(given, policy)), given.expected);
    });
  }
}
