// Three projects: unit (no real parts), integration (one real part each), e2e (the built command).
import { readFile } from "node:fs/promises";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { pageTextOfTests } from "./scripts/page-text.js";
import { LastLines } from "./test/support/last-lines.js";

/**
 * Runs files first that create a Kubernetes cluster or a Debian. They take minutes, mostly waiting,
 * and at the end one of them would run alone.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const texts = await Promise.all(sorted.map(({ moduleId }) => readFile(moduleId, "utf8")));
    const isLong = (index: number): boolean =>
      /\b(?:setStage\(|startCluster\(|startKube\(|clean-debian\.sh)/.test(texts[index] ?? "");
    return [...sorted.filter((_, index) => isLong(index)), ...sorted.filter((_, index) => !isLong(index))];
  }
}

// Programs that tests start write English, also for a developer with another locale.
const env = { LC_ALL: "C" };

// Runs four files of all projects at a time. Two of them mostly wait for a Kubernetes cluster, and
// leave the processors to the others. Timeouts are only for tests that hang.
const common = {
  env,
  isolate: false,
  maxWorkers: 4,
  setupFiles: "test/support/priority.ts",
  testTimeout: 600_000,
  hookTimeout: 600_000,
};

// Every file has its own names, ports and folders (see test/support).
const withParts = {
  ...common,
  maxConcurrency: 4,
  globalSetup: "test/support/global-setup.ts",
};

const plugins = [pageTextOfTests];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new LastLines()],
    // A line for each file, and one for each test that takes longer than this.
    slowTestThreshold: 20_000,
    projects: [
      {
        plugins,
        test: { ...common, name: "unit", include: ["test/unit/**/*.test.ts"] },
      },
      { plugins, test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...withParts } },
      { plugins, test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...withParts } },
    ],
  },
});
