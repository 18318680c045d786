// Looks at pages as a browser does, and says what it saw: a line of JSON for each line, until there are no more.
//
//   {base, chromium, args, visits: [{path, width?, height?, scale?, scheme?, scripts?, axe?, clock?, steps?}]}       on standard input
//   {seen: [{path, status, title, text, width, violations, refused, errors, requests, cookies, seen}]} or {error}   on standard output
//
// A browser is begun once for its arguments, and so is a profile with one page for each way to look (width, scheme,
// clock, …): to begin these costs more than a visit. A visit ends on an empty page, without cookies, caches or storage.
//
// `clock` is what its clock says, seconds since 1970. `steps` are done once the page is there, each [what, selector, value?]: fill, click, file (its text), picture (its bytes, base64), wait (until it is
// visible), gone, read (its text, into `seen`).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PATIENCE = 120_000; // ms for any one thing on a busy machine; only ends what hangs
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const root = process.getuid?.() === 0; // Chromium refuses its sandbox to root
const browsers = new Map();
const views = new Map(); // of each browser, by how they look

async function browserOf(job) {
  const key = JSON.stringify([job.chromium, job.args]);
  if (!browsers.get(key)?.isConnected()) {
    const args = [...(root ? ["--no-sandbox"] : []), ...job.args];
    browsers.set(key, await chromium.launch({ executablePath: job.chromium, args, timeout: PATIENCE }));
  }
  return browsers.get(key);
}

async function look(browser, base, visit) {
  const { width, height, scale, scheme, scripts, clock } = visit;
  const key = JSON.stringify([width, height, scale, scheme, scripts, clock]);
  const kept = views.get(browser) ?? views.set(browser, new Map()).get(browser);
  if (!kept.has(key)) kept.set(key, await begun(browser, visit));
  const view = kept.get(key);
  const seen = (view.seen = { path: visit.path, refused: [], errors: [], requests: [], seen: [] });
  await visited(view, base, visit, seen);
  view.seen = nothing();
  await view.page.goto("about:blank");
  await view.session.send("Storage.clearDataForOrigin", { origin: new URL(base).origin, storageTypes: "all" });
  await view.session.send("Network.clearBrowserCache");
  return seen;
}

const nothing = () => ({ refused: [], errors: [], requests: [], seen: [] });

async function begun(browser, visit) {
  const context = await browser.newContext({
    viewport: { width: visit.width ?? 1280, height: visit.height ?? 900 },
    deviceScaleFactor: visit.scale ?? 1,
    colorScheme: visit.scheme ?? "light",
    javaScriptEnabled: visit.scripts ?? true,
    ignoreHTTPSErrors: true,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(PATIENCE);
  context.setDefaultNavigationTimeout(PATIENCE);
  const page = await context.newPage();
  const view = { context, page, session: await context.newCDPSession(page), seen: nothing() };
  page.on("console", (message) => {
    const text = message.text();
    if (/content security policy/i.test(text)) view.seen.refused.push(text);
    else if (message.type() === "error" && !/status of [45]\d\d/.test(text)) view.seen.errors.push(text);
  });
  page.on("pageerror", (error) => view.seen.errors.push(error.message));
  page.on("dialog", (dialog) => {
    view.seen.errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => view.seen.requests.push(`${request.method()} ${request.url()}`));
  if (visit.clock) await page.clock.setFixedTime(visit.clock * 1_000);
  return view;
}

async function visited({ context, page }, base, visit, seen) {
  const response = await page.goto(base + visit.path);
  seen.status = response.status();
  for (const [what, selector, value] of visit.steps ?? []) {
    const found = page.locator(selector).first();
    if (what === "fill") await found.fill(value);
    else if (what === "click") await found.click();
    else if (what === "file") await found.setInputFiles({ name: "given.txt", mimeType: "text/plain", buffer: Buffer.from(value) });
    else if (what === "picture") await found.setInputFiles({ name: "badge", mimeType: "application/octet-stream", buffer: Buffer.from(value, "base64") });
    else if (what === "wait") await found.waitFor({ state: "visible" });
    else if (what === "gone") await found.waitFor({ state: "hidden" });
    else if (what === "read") seen.seen.push(await found.innerText());
  }
  seen.title = await page.title();
  seen.text = await page.innerText("main");
  seen.width = await page.evaluate("document.documentElement.scrollWidth");
  seen.cookies = (await context.cookies()).length;
  seen.violations = [];
  if (visit.axe) {
    await page.evaluate(axe);
    const found = await page.evaluate("axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})");
    seen.violations = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  let answer;
  try {
    const browser = await browserOf(job);
    const seen = [];
    for (const visit of job.visits) seen.push(await look(browser, job.base, visit));
    answer = { seen };
  } catch (error) {
    answer = { error: String(error.stack) };
    views.clear(); // whatever page it was, nobody knows how it stands; the next look begins others
  }
  console.log(JSON.stringify(answer));
}
for (const browser of browsers.values()) await browser.close();
