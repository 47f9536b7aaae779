// `post-render`: the post-renderer that helm runs. Reads rendered manifests from stdin and writes
// them with patched pull policies to stdout.
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { patchPullPolicies } from "../core/kubernetes/pull-policy.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";

export function registerPostRender(program: Command, runCommand: RunCommand): void {
  program.command("post-render", { hidden: true }).action(async (options: CommonOptions) => {
    await runCommand(options, async (runtime) => {
      const rendered = patchPullPolicies(await text(runtime.stdin));
      runtime.print(rendered, { formatVersion: 1, rendered });
      return EXIT.done;
    });
  });
}
