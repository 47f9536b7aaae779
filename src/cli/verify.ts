// `verify BUNDLE`: checks every checksum, and that nothing that a release needs is missing.
import type { Command } from "commander";
import { countOf } from "../core/count-of.js";
import { verifyBundle, type VerifyReport } from "../workflows/verify/verify.js";
import type { CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { formatBytes } from "./units.js";
import type { RunCommand } from "./runtime.js";

export function registerVerify(program: Command, runCommand: RunCommand): void {
  program
    .command("verify")
    .description("verify all checksums, and that nothing that a release needs is missing")
    .argument("<bundle>", "bundle file")
    .action(async (file: string, options: CommonOptions) => {
      await runCommand(options, async (runtime) => {
        const bundle = await runtime.reader.openBundle(file);
        const report = await verifyBundle(runtime.run, bundle, { reader: runtime.reader });
        await runtime.stopProgress();
        runtime.print(formatReport(report), { formatVersion: 1, ...report });
        return report.problems.length === 0 ? EXIT.done : EXIT.negative;
      });
    });
}

/** Formats the result, with every problem on its own line. */
export function formatReport(report: VerifyReport): string {
  const summary = `${report.name} ${report.version}: ${countOf(report.images, "image")}, ${countOf(report.blobs, "blob")}, ${formatBytes(report.size)}`;
  const lines = [summary, `digest ${report.digest}`];
  for (const { message } of report.problems) lines.push(`  ✗ ${message}`);
  const count = report.problems.length;
  lines.push(count === 0 ? "all checksums match, and nothing is missing" : countOf(count, "problem"));
  return lines.join("\n");
}
