// `push BUNDLE oci://…`: stores a bundle in a registry as one artifact.
import { resolve } from "node:path";
import type { Command } from "commander";
import pLimit from "p-limit";
import { ViolaError } from "../errors.js";
import { pushArtifact } from "../workflows/push/push.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { OCI_FORM, parseOciReference } from "./oci-reference.js";
import { formatPushedBundle } from "./reporters/artifact.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { parseBytes } from "./units.js";

interface PushFlags extends CommonOptions {
  readonly pieceSize?: string;
}

export function registerPush(program: Command, runCommand: RunCommand): void {
  program
    .command("push")
    .description("store a bundle in a registry as one artifact; `load --to registry://…` stores its images")
    .addHelpText("after", examples("push app.bundle oci://harbor.example/bundles/app:1.2.0"))
    .argument("<bundle>", "bundle file")
    .argument("<place>", OCI_FORM)
    .addOption(keyOption())
    .option("--piece-size <size>", "size of the pieces, for registries that limit requests (default: 512MiB)")
    .action(async (file: string, place: string, options: PushFlags) => {
      await runCommand(options, async (runtime) => {
        const { registry: host, repository, tag, digest } = parseOciReference(place);
        if (tag === undefined || digest !== undefined)
          throw new ViolaError("USAGE", `${place}: a digest cannot be chosen`, {
            subject: place,
            hint: `Write ${OCI_FORM}.`,
          });
        const bundle = await runtime.reader.openBundle(resolve(runtime.cwd, file));
        const { concurrency } = await runtime.settings();
        const client = await runtime.registry();
        const report = await pushArtifact(
          runtime.run,
          bundle,
          {
            repository,
            tag,
            ...(options.pieceSize !== undefined && { pieceBytes: parseBytes(options.pieceSize) }),
          },
          {
            reader: runtime.reader,
            registry: await client.push(host, runtime.signal),
            limit: pLimit(concurrency),
          },
        );
        await runtime.stopProgress();
        runtime.print(report, (one) => formatPushedBundle(one, host), {
          formatVersion: 1,
          registry: host,
          ...report,
        });
        return EXIT.done;
      });
    });
}
