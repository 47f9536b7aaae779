// `pull oci://… -o FILE`: fetches a bundle that `push` stored.
import type { Command } from "commander";
import { formatReference } from "../core/images/reference.js";
import { pullArtifact } from "../workflows/pull/pull.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { OCI_FORM, parseOciReference } from "./oci-reference.js";
import { checkBundleOutput } from "./output.js";
import { startWorkers } from "./wiring/planning.js";
import { formatPulledBundle } from "./reporters/artifact.js";
import type { CommonOptions, RunCommand } from "./runtime.js";

interface PullFlags extends CommonOptions {
  readonly output: string;
  readonly force?: boolean;
}

export function registerPull(program: Command, runCommand: RunCommand): void {
  program
    .command("pull")
    .description("fetch a bundle that `push` stored in a registry, byte for byte")
    .addHelpText("after", examples("pull oci://harbor.example/bundles/app:1.2.0 -o app.bundle"))
    .argument("<place>", `${OCI_FORM}, or @DIGEST instead of the tag`)
    .requiredOption("-o, --output <file>", "bundle file to write, or a folder")
    .option("--force", "replace a file that is not a bundle")
    .addOption(keyOption())
    .action(async (place: string, flags: PullFlags) => {
      await runCommand(flags, async (runtime) => {
        const reference = parseOciReference(place);
        const name = `${reference.repository.split("/").at(-1) ?? "app"}-${reference.tag ?? "pulled"}.bundle`;
        const output = await checkBundleOutput(
          { option: "--output", text: flags.output, force: flags.force === true },
          name,
          [],
          runtime,
        );
        const [registry, { concurrency }, { assembleBundle }] = await Promise.all([
          runtime.registry(),
          runtime.settings(),
          import("../adapters/bundle-file/assemble-bundle.js"),
        ]);
        const workers = startWorkers(registry, runtime);
        const report = await pullArtifact(runtime.run, { text: place, reference }, output.path, {
          reader: runtime.reader,
          fetchManifest: async (named, signal) => {
            const wanted = named.digest ?? named.tag ?? "latest";
            const { raw, content } = await registry.pull.fetchManifest(
              named,
              wanted,
              formatReference(named),
              signal,
            );
            return { digest: raw.digest, content };
          },
          assembleBundle: (run, artifact, file) =>
            assembleBundle(run, artifact, file, {
              registry,
              workers,
              concurrency,
              check: (assembled) => runtime.reader.openBundle(assembled),
            }),
        });
        await runtime.stopProgress();
        runtime.print(report, formatPulledBundle, { formatVersion: 1, ...report });
        return EXIT.done;
      });
    });
}
