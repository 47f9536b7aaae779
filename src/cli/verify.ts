// `verify BUNDLE`: every checksum, and that nothing a release needs is missing.
import type { Command } from "commander";
import { verifyBundle, type VerifyReport } from "../workflows/verify/verify.js";
import type { CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { formatBytes } from "./units.js";
import type { RunCommand } from "./runtime.js";

export function registerVerify(program: Command, runCommand: RunCommand): void {
  program
    .command("verify")
    .description("check every checksum, and that nothing a release needs is missing")
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

/** Writes the verdict, and every problem on a line of its own. */
export function formatReport(report: VerifyReport): string {
  const what = `${report.name} ${report.version}: ${report.images} images, ${report.blobs} blobs, ${formatBytes(report.size)}`;
  const lines = [what, `digest ${report.digest}`];
  for (const { message } of report.problems) lines.push(`  ✗ ${message}`);
  const count = report.problems.length;
  lines.push(
    count === 0
      ? "every checksum is right, and nothing is missing"
      : `${count} ${count === 1 ? "problem" : "problems"}`,
  );
  return lines.join("\n");
}
