/**
 * Runs the verifier's vectors with the JavaScript kit: `KIT=… VECTORS=… node --test vectors.test.js`.
 *
 * KIT is the path of the kit's folder; VECTORS that of docs/vectors/.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

import { answer, NAMES } from "./answers.js";

const KIT = `${pathToFileURL(String(process.env.KIT)).href}/`;

for (const name of NAMES) {
  const file = JSON.parse(await readFile(join(String(process.env.VECTORS), `${name}.json`), "utf8"));
  for (const given of file.vectors) {
    test(`${name}: ${given.name}`, async () => assert.deepEqual(await answer(KIT, name, file, given), given.expected));
  }
}
