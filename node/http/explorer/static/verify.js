// "Verify in this browser": fetches the evidence of the answer that the page shows, and checks it under the reader's policy.
//
// The checks are those of the verifier's kit, in its order; each step below stands for some of them. One that fails names
// itself, those after it are not reached. At last what the page shows is compared with what is proved.

import { AccreditError, check, EnvironmentError, TrustPolicy } from "./kit/index.js";
import { brought, element, filled, isolated } from "./page.js";

const STEPS = [
  ["question", ["form", "question", "authority"]],
  ["signature", ["policy", "note", "cosignatures", "ecosystem", "fold"]],
  ["quorum", ["quorum", "age", "count"]],
  ["inclusion", ["root"]],
  ["map_proof", ["proof", "record"]],
  ["decision", ["time", "missing_record", "surplus_record", "decision"]],
  ["shown", ["shown"]],
];
const POLICY_BYTES = 256 * 1024;

const words = brought("strings");
const asked = brought("asked");
const t = words.verify;
const results = document.getElementById("verified");
const form = document.getElementById("verify-form");

document.getElementById("verify").hidden = false;
if (globalThis.isSecureContext && globalThis.crypto?.subtle) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(given);
  });
  document.getElementById("verify-own").addEventListener("click", () => run(own));
} else {
  document.getElementById("insecure").hidden = false;
  form.hidden = true;
}

/** Whatever stopped it, in words; anything but that is a mistake of ours and goes to the console. */
class Stop extends Error {}

/** The reader's policy, as a file or pasted. */
async function given() {
  const [file] = document.getElementById("f-policy").files;
  const pasted = document.getElementById("f-policy-text").value;
  if (!file && !pasted.trim()) throw new Stop(t.no_policy);
  if ((file?.size ?? pasted.length) > POLICY_BYTES) throw new Stop(t.bad_policy.replace("{reason}", `> ${POLICY_BYTES}`));
  return file ? new Uint8Array(await file.arrayBuffer()) : new TextEncoder().encode(pasted.replaceAll("\r\n", "\n"));
}

/** The node's own. */
const own = () => fetched("/v1/trust-policy");

async function fetched(path) {
  let response;
  try {
    response = await fetch(path, { credentials: "omit", referrerPolicy: "no-referrer" });
  } catch (error) {
    throw new Stop(t.not_fetched.replace("{reason}", error.message));
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Stop(t.not_fetched.replace("{reason}", `${problem.detail ?? response.status} ${problem.hint ?? ""}`));
  }
  return new Uint8Array(await response.arrayBuffer());
}

async function run(source) {
  results.replaceChildren(element("p", {}, t.fetching));
  try {
    const policy = await decoded(await source());
    const evidence = await fetched(asked.evidence);
    tell(compared(await check(evidence, asked.query, policy, Math.floor(Date.now() / 1000))), policy, source === own);
  } catch (error) {
    const isOurs = !(error instanceof Stop || error instanceof AccreditError);
    const said = error instanceof EnvironmentError ? filled(t.cannot, { reason: isolated(error.message) }) : isolated(error.message);
    results.replaceChildren(element("p", { class: "panel problem", role: "alert" }, said));
    if (isOurs) throw error;
  }
}

async function decoded(bytes) {
  try {
    return await TrustPolicy.decode(bytes);
  } catch (error) {
    if (!(error instanceof AccreditError) || error instanceof EnvironmentError) throw error;
    throw new Stop(t.bad_policy.replace("{reason}", error.message));
  }
}

/** The result, refuted where the page shows something else than what is proved. */
function compared(checked) {
  if (checked.result !== "verified") return checked;
  const { verdict, reasons } = checked.decision;
  const codes = reasons.map((one) => one.code);
  const { shown } = asked;
  const isSame = verdict === shown.verdict && codes.length === shown.reasons.length && codes.every((one, at) => one === shown.reasons[at]);
  if (isSame && document.querySelector(".verdict-word").innerText.trim() === words.verdict[verdict]) return checked;
  const text = t.differs
    .replace("{shown}", document.querySelector(".verdict-word").innerText.trim())
    .replace("{proved}", words.verdict[verdict] ?? verdict);
  return { ...checked, result: "refuted", check: "shown", text };
}

function tell(checked, policy, isOwn) {
  const failed = STEPS.findIndex(([, checks]) => checks.includes(checked.check));
  const steps = STEPS.map(([name], at) => step(name, failed < 0 || at < failed ? "passed" : at === failed ? "failed" : "not_reached", checked.text));
  const parts = [element("ol", { class: "steps" }, ...steps)];
  if (checked.result === "verified") {
    const { verdict } = checked.decision;
    const answer = element("span", { class: `mark ${words.marks[verdict] ?? "open"}` }, words.verdict[verdict] ?? verdict);
    parts.unshift(element("p", { class: "lead" }, filled(t.all, { answer })));
    const signers = isolated([...new Set(checked.signers.map((one) => one.name))].sort().join(", "));
    const said = { signers, count: String(checked.state.count), ecosystem: element("code", {}, policy.ecosystem) };
    parts.push(element("p", { class: "quiet" }, filled(t.by, said)));
    if (isOwn) parts.splice(1, 0, element("p", { class: "notice" }, t.own_result));
  } else {
    parts.unshift(element("p", { class: "panel problem", role: "alert" }, t[checked.result]));
  }
  results.replaceChildren(...parts);
}

function step(name, state, text) {
  const mark = element("span", { class: `mark ${{ passed: "good", failed: "bad", not_reached: "open" }[state]}` }, t[state]);
  const made = element("li", { "data-step": name, "data-state": state }, mark, element("span", {}, t[name]));
  if (state === "failed") made.append(element("p", {}, isolated(text)));
  return made;
}
