/**
 * What the JavaScript kit says to the verifier's vectors: `answers(kit, name, file)`, in Node or in a browser.
 *
 * @module
 */

/** @typedef {(given: any, policy: any) => Promise<any>} Run */

/** The names of the files, without their ending. */
export const NAMES = ["evidence", "snapshots", "buckets", "receipts", "policies", "map-proofs", "signatures", "cbor"];

/**
 * Return what the kit says to one vector.
 *
 * @param {string} kit the address of the kit's folder, with a slash at its end
 * @param {string} name of the file that the vector is from
 * @param {any} file what it holds
 * @param {any} given the vector
 * @returns {Promise<any>} in the form of its member `expected`
 */
export async function answer(kit, name, file, given) {
  const { AccreditError, CheckError, TrustPolicy } = await import(`${kit}index.js`);
  const { utf8 } = await import(`${kit}encoding/bytes.js`);
  const policy = "policy" in given ? await TrustPolicy.decode(utf8(file.policies[given.policy])) : null;
  try {
    return await (await runs(kit))[name]?.(given, policy);
  } catch (error) {
    if (error instanceof CheckError) return { result: error.result, check: error.check };
    if (error instanceof AccreditError) return { error: error.code };
    throw error;
  }
}

/**
 * @param {string} kit
 * @returns {Promise<Record<string, Run>>}
 */
async function runs(kit) {
  const { AccreditError, ask, check, checkReceipt, decodeBucket, decodeReceipt, openBucket, Snapshot, TrustPolicy } =
    await import(`${kit}index.js`);
  const { hex, unbase64, unhex, utf8 } = await import(`${kit}encoding/bytes.js`);
  const { decode, encode } = await import(`${kit}encoding/cbor.js`);
  const { isUsablePublic, verify } = await import(`${kit}encoding/ed25519.js`);
  const { checkProof } = await import(`${kit}transparency/state_trie.js`);
  return {
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
    async receipts({ receipt, credential, now }, policy) {
      const { existedBy, key } = await checkReceipt(decodeReceipt(utf8(receipt)), credential, policy, now);
      return { result: "verified", check: "", existed_by: existedBy, committed_with: key };
    },
    async policies({ text }) {
      const policy = await TrustPolicy.decode(utf8(text));
      const { count, maxAge, authorities, signers } = policy;
      if (hex((await TrustPolicy.decode(policy.encode())).encode()) !== hex(policy.encode()))
        throw new Error("written otherwise");
      return { signers: signers.witnesses.length, verified: count, max_age: maxAge, relies_on: authorities };
    },
    async "map-proofs"({ root, key, proof }) {
      const value = await checkProof(unhex(root), unhex(key), unhex(proof));
      return { value: value === null ? null : hex(value) };
    },
    async signatures({ public: key, message, signature }) {
      return {
        accepted: await verify(unhex(key), unhex(message), unhex(signature)),
        usable: isUsablePublic(unhex(key)),
      };
    },
    async cbor({ cbor }) {
      try {
        return { accepted: hex(encode(decode(unhex(cbor)))) === cbor };
      } catch (error) {
        if (error instanceof AccreditError) return { accepted: false };
        throw error;
      }
    },
  };
}

/** @param {any} decision */
function decided({ verdict, reasons }) {
  return { result: "verified", check: "", verdict, reasons: reasons.map((/** @type {any} */ one) => one.code) };
}
