// The page "Check a credential": the file is read here; only a question about its issuer goes to the node.

import { credentialIn, inText } from "./badge.js";
import { LARGEST, read } from "./credential.js";
import { brought, element, filled, isolated } from "./page.js";

const t = brought("strings");
const form = document.getElementById("check");
const results = document.getElementById("results");

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
document.getElementById("f-file").addEventListener("change", run);

async function run() {
  const [file] = document.getElementById("f-file").files;
  const pasted = document.getElementById("f-text").value;
  if (!file && pasted.trim() === "") {
    return;
  }
  say(element("p", {}, t.check.reading));
  if ((file?.size ?? pasted.length) > LARGEST) {
    say(problem(filled(t.check.too_large, { count: String(LARGEST) })));
    return;
  }
  let credentials;
  try {
    const text = file ? await credentialIn(new Uint8Array(await file.arrayBuffer()), LARGEST) : inText(pasted);
    if (text === null) {
      say(problem(t.check.no_credential));
      return;
    }
    credentials = read(text);
  } catch (error) {
    say(problem(error instanceof RangeError ? filled(t.check.too_large, { count: String(LARGEST) }) : t.check.no_json));
    return;
  }
  if (credentials.length === 0) {
    say(problem(t.check.no_issuer));
    return;
  }
  results.replaceChildren();
  if (credentials.length > 1) {
    results.append(element("p", {}, filled(t.check.several, { count: String(credentials.length) })));
  }
  for (const credential of credentials) {
    results.append(await checked(credential));
  }
}

/** The question about a credential's issuer: what is sent, and nothing else. */
function questionOf({ issuer, types, achievements, issued, key }) {
  const question = { issuer };
  if (achievements.length) question.achievement_types = achievements;
  if (types.length) question.credential_types = types; // all, or the node says that they are too many
  if (issued) question.issued_on = issued;
  if (key) question.key = key;
  return question;
}

async function checked(credential) {
  const question = questionOf(credential);
  const section = element("section", { class: "verdict" });
  const facts = element("dl", {});
  for (const [name, value] of [
    ["issuer", credential.issuer],
    ["types", credential.types.join(", ")],
    ["achievement", credential.achievements.join(", ")],
    ["issued", credential.issued],
    ["expires", credential.expires],
    ["key", credential.key],
  ]) {
    if (value) facts.append(element("dt", {}, t.check[name]), element("dd", {}, isolated(value)));
  }
  section.append(...(await answered(question, credential)));
  section.append(element("h3", {}, t.check.found), facts);
  section.append(element("h3", {}, t.check.not_checked));
  const unchecked = ["unchecked_signature", "unchecked_status", "unchecked_schema", "unchecked_holder"];
  section.append(element("ul", {}, ...unchecked.map((name) => element("li", {}, t.check[name]))));
  const sent = element("details", {}, element("summary", {}, t.check.sent));
  sent.append(element("pre", { tabindex: "0" }, JSON.stringify(question, null, 2)));
  section.append(sent);
  return section;
}

async function answered(question, credential) {
  let answer;
  try {
    const response = await fetch("/v1/decisions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(question),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    answer = await response.json();
    if (!response.ok) throw new Error(`${answer.detail} ${answer.hint ?? ""}`);
  } catch (error) {
    return [problem(filled(t.check.failed, { reason: isolated(error.message) }))];
  }
  const name = isolated(answer.issuer_name ?? credential.issuer);
  const mark = element("span", { class: `mark ${t.marks[answer.verdict] ?? "open"}` }, t.verdict[answer.verdict] ?? answer.verdict);
  const parts = [element("h2", { class: "verdict-word" }, mark)];
  parts.push(element("p", { class: "lead" }, filled(t.verdict_sentence[answer.verdict] ?? "", { name })));
  if (credential.expires && Date.parse(credential.expires) < Date.now()) {
    parts.push(element("p", { class: "notice" }, filled(t.check.expired, { day: isolated(credential.expires) })));
  }
  parts.push(element("h3", {}, t.check.why));
  parts.push(element("ul", { class: "reasons" }, ...answer.reasons.map((one) => element("li", { dir: "auto" }, isolated(one.text)))));
  const asked = new URLSearchParams();
  asked.set("issuer", question.issuer);
  if (credential.achievements.length === 1) asked.set("for", credential.achievements[0]);
  if (question.issued_on) asked.set("on", question.issued_on);
  if (question.key) asked.set("key", question.key);
  parts.push(element("p", {}, element("a", { href: `/explore/decision?${asked}` }, t.check.details)));
  return parts;
}

function problem(content) {
  return element("p", { class: "panel problem", role: "alert" }, content);
}

function say(content) {
  results.replaceChildren(content);
}
