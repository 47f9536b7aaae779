// `cache ls|verify|prune`: the blobs that are kept between runs.
import { Argument, type Command } from "commander";
import {
  listCache,
  pruneCache,
  verifyCache,
  type CachePruning,
  type CacheReport,
  type CacheVerification,
} from "../workflows/cache/cache.js";
import { examples } from "./command-line.js";
import { EXIT } from "./failure.js";
import { formatCache } from "./reporters/cache.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";
import { parseBytes } from "./units.js";
import { blobCache } from "./wiring/planning.js";

const ACTIONS = ["ls", "verify", "prune"] as const;

interface CacheOptions extends CommonOptions {
  readonly maxSize: string;
}

export function registerCache(program: Command, runCommand: RunCommand): void {
  program
    .command("cache")
    .description("show, verify or remove the blobs that are kept between runs (`cache` in the settings)")
    .addHelpText("after", examples("cache ls", "cache verify", "cache prune --max-size 10GiB"))
    .addArgument(
      new Argument(
        "<action>",
        "ls shows the blobs, verify removes damaged ones, prune removes those that were not used for the longest time",
      ).choices(ACTIONS),
    )
    .option("--max-size <size>", "size that prune leaves, such as 10GiB", "0")
    .action(async (action: (typeof ACTIONS)[number], options: CacheOptions) => {
      await runCommand(options, async (runtime) => {
        const report = await act(action, parseBytes(options.maxSize), runtime);
        await runtime.stopProgress();
        runtime.print(report, formatCache, { formatVersion: 1, ...report });
        return "damaged" in report && report.damaged.length > 0 ? EXIT.negative : EXIT.done;
      });
    });
}

async function act(
  action: (typeof ACTIONS)[number],
  maxBytes: number,
  runtime: CommandRuntime,
): Promise<CacheReport | CacheVerification | CachePruning> {
  const store = await blobCache(runtime);
  switch (action) {
    case "ls":
      return listCache(store);
    case "verify":
      return verifyCache(runtime.run, store);
    case "prune":
      return pruneCache(maxBytes, store);
  }
}
