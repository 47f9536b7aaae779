// Three projects: unit (seconds, no outside parts), integration (one real part each), e2e (the
// built command).
import { readFile } from "node:fs/promises";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { LastLines } from "./test/support/last-lines.js";

/**
 * Files that make a Kubernetes or a Debian first: they take minutes, most of which is waiting, and
 * one at the end would run alone.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const texts = await Promise.all(sorted.map(({ moduleId }) => readFile(moduleId, "utf8")));
    const isLong = (index: number): boolean =>
      /\b(?:setStage\(|startKube\(|clean-debian\.sh)/.test(texts[index] ?? "");
    return [...sorted.filter((_, index) => isLong(index)), ...sorted.filter((_, index) => !isLong(index))];
  }
}

// Three files at a time, of both projects: two that have a Kubernetes mostly wait for it, and leave
// the processor to the rest. Every file has names, ports and folders of its own (see test/support).
// A timeout is there for what hangs, not to measure anything.
const slow = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  maxWorkers: 3,
  maxConcurrency: 4,
  globalSetup: "test/support/global-setup.ts",
  sequence: { groupOrder: 1 },
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new LastLines()],
    // A line for each file, and one for each test that takes longer than this.
    slowTestThreshold: 20_000,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], isolate: false, testTimeout: 60_000 } },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...slow } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...slow } },
    ],
  },
});
