// Runs the fuzz test with more inputs: npm run fuzz -- [INPUTS [SEED]]. Failing inputs are written to
// the folder for temporary files; add them to test/fixtures/fuzz when their cause is fixed.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fuzz } from "../test/fuzz/fuzz.js";

const [inputs = 1_000_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const started = performance.now();
const { failures, ...report } = fuzz(inputs, seed);
for (const { target, seed: at, what, input } of failures) {
  const file = join(tmpdir(), `viola-airgap-fuzz-${target.replaceAll(" ", "-")}-${at}`);
  writeFileSync(file, input);
  console.log(`${target}, seed ${at}, ${file}\n${what}\n`);
}
const seconds = Math.round((performance.now() - started) / 1000);
console.log(JSON.stringify({ ...report, failures: failures.length, seed, seconds }, null, 1));
process.exitCode = failures.length === 0 ? 0 : 1;
