/**
 * Answers with the JavaScript kit, line by line: `KIT=… node lines.js`. Each line of standard input is a JSON object
 * whose `do` says what; each line of standard output is the answer, or `{"error": code}`.
 */

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const KIT = `${pathToFileURL(String(process.env.KIT)).href}/`;
const { AccreditError, check, checkReceipt, decide, decideRecognition, decodeReceipt, encodeQuery, TrustPolicy } =
  await import(`${KIT}index.js`);
const { hex, unbase64, unhex, utf8 } = await import(`${KIT}encoding/bytes.js`);
const { decode, encode, inHex } = await import(`${KIT}encoding/cbor.js`);
const { encode: canonicalJson } = await import(`${KIT}encoding/jcs.js`);
const { canonical } = await import(`${KIT}encoding/identifiers.js`);
const { isUsablePublic, verify } = await import(`${KIT}encoding/ed25519.js`);
const { summary } = await import(`${KIT}decision/verdict.js`);

/** @type {Map<string, any>} */
const policies = new Map();

/** @param {string} text */
async function policyOf(text) {
  const policy = policies.get(text) ?? (await TrustPolicy.decode(utf8(text)));
  policies.set(text, policy);
  return policy;
}

/** @type {Map<string, any>} by which is decided */
let held = new Map();

/** @type {Record<string, (given: any) => any>} */
const DO = {
  hold({ records }) {
    held = new Map(
      records.map(([type, id, raw]) => [`${type} ${id}`, inHex(decode(unbase64(raw), { maxBytes: 2 ** 20 }))]),
    );
    return {};
  },
  decide({ query, now, ecosystem, asked }) {
    const reader = { get: (/** @type {string} */ type, /** @type {string} */ id) => held.get(`${type} ${id}`) ?? null };
    const decision = (asked === "recognition" ? decideRecognition : decide)(encodeQuery(query), reader, now, ecosystem);
    const texts = decision.reasons.map((/** @type {any} */ one) => one.text);
    return { summary: hex(encode(summary(decision))), texts };
  },
  async check({ evidence, query, policy, now }) {
    const { result, check: name } = await check(unbase64(evidence), query, await policyOf(policy), now);
    return { result, check: name };
  },
  async receipt({ receipt, credential, policy, now }) {
    const found = await checkReceipt(decodeReceipt(unbase64(receipt)), credential, await policyOf(policy), now);
    return { existed_by: found.existedBy, committed_with: found.key };
  },
  canonicalJson({ value }) {
    return { text: hex(canonicalJson(value)) };
  },
  async policy({ text }) {
    return { policy: hex((await TrustPolicy.decode(unbase64(text))).encode()) };
  },
  canonical({ text }) {
    return { text: canonical(text) };
  },
  cbor({ cbor }) {
    return { cbor: hex(encode(decode(unhex(cbor)))) };
  },
  async verify({ public: key, message, signature }) {
    return { accepted: await verify(unhex(key), unhex(message), unhex(signature)), usable: isUsablePublic(unhex(key)) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = await /** @type {(given: any) => any} */ (DO[what])(given);
  } catch (error) {
    answer = error instanceof AccreditError ? { error: error.code } : { raised: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
