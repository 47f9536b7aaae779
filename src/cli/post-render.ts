// `post-render`: what helm runs while it installs; rendered manifests on stdin, the same with patched pull policies on stdout.
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { patchPullPolicies } from "../core/kubernetes/pull-policy.js";
import type { CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import type { RunCommand } from "./runtime.js";

export function registerPostRender(program: Command, runCommand: RunCommand): void {
  program.command("post-render", { hidden: true }).action(async (options: CommonOptions) => {
    await runCommand(options, async (runtime) => {
      const rendered = patchPullPolicies(await text(runtime.stdin));
      runtime.print(rendered, { formatVersion: 1, rendered });
      return EXIT.done;
    });
  });
}
