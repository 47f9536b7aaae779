// `post-render`: the post-renderer that helm runs. Reads rendered manifests from stdin and writes
// them with patched pull policies to stdout.
import type { Command } from "commander";
import { readStreamLimited } from "../adapters/files/read-limited.js";
import { MAX_RENDERED_BYTES } from "../core/charts/parse-rendered.js";
import { patchPullPolicies } from "../core/kubernetes/pull-policy.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";

export function registerPostRender(program: Command, runCommand: RunCommand): void {
  program.command("post-render", { hidden: true }).action(async (options: CommonOptions) => {
    await runCommand(options, async (runtime) => {
      const rendered = patchPullPolicies(
        await readStreamLimited(runtime.stdin, "the rendered text", MAX_RENDERED_BYTES),
      );
      runtime.passOn(rendered);
      return EXIT.done;
    });
  });
}
