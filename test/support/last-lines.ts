// The last lines of a test run: the skipped tests with reasons, and the counts in one line.
import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import { ROOT } from "./paths.js";
import { leftOut } from "./run-folder.js";

export class LastLines implements Reporter {
  /**
   * Vitest calls this when all tests have ended and the previous reporter has printed its summary.
   */
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap(({ children }) =>
      [...children.allTests()].map((test) => test.result().state),
    );
    const count = (state: string): number => states.filter((one) => one === state).length;
    // A file that cannot be loaded, or whose hooks failed, has no failed test.
    const broken = modules.filter(
      (module) =>
        module.state() === "failed" &&
        ![...module.children.allTests()].some((test) => test.result().state === "failed"),
    );
    const failed = count("failed") + broken.length + errors.length;
    const notRun = process.env["VIOLA_RUN"] === undefined ? [] : [...leftOut()];
    for (const [reason, files] of notRun) {
      console.log(`Left out: ${reason}`);
      for (const file of files) console.log(`  ${relative(ROOT, file)}`);
    }
    console.log(`${count("passed")} passed, ${failed} failed, ${count("skipped")} skipped`);
  }
}
