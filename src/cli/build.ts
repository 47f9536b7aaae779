// `build SPEC -o FILE`: builds a bundle from a spec.
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { strictestMode } from "../adapters/files/strictest-mode.js";
import type { InputPath } from "../core/output-path.js";
import { BUNDLED_VALUES, type BundledValues } from "../core/bundle/bundled-values.js";
import { secretInputs, specInputs } from "../core/spec/spec-inputs.js";
import { buildBundle } from "../workflows/build/build.js";
import { collectIncludes, parseIncludes } from "./wiring/including.js";
import { EXIT } from "./failure.js";
import {
  blobCache,
  makeInspectPorts,
  makePlanPorts,
  makeWriter,
  planOptions,
  readRehearsal,
  REHEARSAL_FLAG,
} from "./wiring/planning.js";
import { makeSigner, readImageKeys } from "./wiring/signing.js";
import { readSpec } from "./input-file.js";
import { checkBundleOutput } from "./output.js";
import { formatBuild } from "./reporters/build.js";
import { examples, listOption } from "./command-line.js";
import { baseInputs, type BaseFlags } from "./opening.js";
import {
  collect,
  type CommandRuntime,
  type CommonOptions,
  type RunCommand,
  type SourceChoice,
} from "./runtime.js";
import { parseBytes } from "./units.js";
import type { BundlePart, WrittenBundle } from "../workflows/ports.js";

interface BuildFlags extends CommonOptions, BaseFlags {
  readonly output: string;
  readonly platform: readonly string[];
  readonly reuse: readonly string[];
  readonly source: SourceChoice;
  readonly with: readonly string[];
  readonly rehearsal?: string;
  readonly values: BundledValues;
  readonly force?: boolean;
  readonly inspect: boolean;
  readonly signKey?: string;
  readonly signCommand?: string;
  readonly verifyImages: readonly string[];
  readonly split?: string;
}

export function registerBuild(program: Command, runCommand: RunCommand): void {
  program
    .command("build")
    .description("build the bundle: charts and every image in one file")
    .addHelpText(
      "after",
      examples(
        "build bundle.yaml -o app.bundle",
        "build bundle.yaml -o app.bundle --platform linux/amd64,linux/arm64 --reuse old.bundle",
        "build bundle.yaml -o app-1.1.diff --base app-1.0.bundle",
        "build bundle.yaml -o app.bundle --with cli,node,helm,kubectl",
        "build bundle.yaml -o app.bundle --sign-key release.key",
      ),
    )
    .argument("<spec>", "bundle spec")
    .requiredOption(
      "-o, --output <file>",
      "bundle file to write; in a folder, NAME-VERSION.bundle. An earlier bundle is replaced, and its blobs are reused",
    )
    .option("--force", "replace the file even if it is not a bundle")
    .addOption(listOption("--platform <platform>", "platform to include, such as linux/arm64"))
    .addOption(listOption("--reuse <bundle>", "copy blobs from an earlier bundle"))
    .addOption(
      listOption(
        "--base <bundle>",
        "write a differential bundle with only the blobs that this bundle lacks; after it, the bases of this bundle if it is a difference itself",
      ),
    )
    .addOption(
      new Option("--source <source>", "where to get images from")
        .choices(["auto", "registry", "docker"])
        .default("auto"),
    )
    .option(
      "--with <parts>",
      "program to include for the isolated host: cli, node, helm, kubectl; NAME=FILE or NAME=URL#sha256:HEX replaces the one of this machine; kind-node-image=REFERENCE; may be repeated",
      collect,
      [],
    )
    .addOption(
      new Option(
        "--values <parts>",
        "what the bundle includes of the values files: all, only their keys, or none; install then needs -f",
      )
        .choices(BUNDLED_VALUES)
        .default("all"),
    )
    .option(...REHEARSAL_FLAG)
    .option("--sign-key <file>", "sign the bundle with this Ed25519 private key (PEM)")
    .option(
      "--sign-command <command>",
      "sign with a shell command, which gets bundle.json on stdin and prints the Ed25519 signature",
    )
    .addOption(listOption("--key <file>", "public key that the new signature must match"))
    .addOption(
      listOption(
        "--verify-images <file>",
        "refuse images that are not signed with this public key of cosign",
      ),
    )
    .option("--split <size>", "write parts that are smaller than this, such as 4GiB, instead of one file")
    .option("--no-inspect", "do not read the images of operators whose images or versions are not known")
    .action(async (file: string, flags: BuildFlags) => {
      await runCommand(flags, async (runtime) => {
        const maxBytes = flags.split === undefined ? undefined : parseBytes(flags.split);
        const specFile = resolve(runtime.cwd, file);
        const read = await readSpec(specFile);
        const sign = await makeSigner(flags, runtime);
        const imageKeys = await readImageKeys(flags.verifyImages, runtime.cwd);
        const { requests, hostImages } = parseIncludes(flags.with, runtime.cwd);
        const output = await checkBundleOutput(
          { option: "--output", text: flags.output, force: flags.force === true },
          `${read.spec.name}-${read.spec.version}.bundle`,
          [...specInputs(specFile, read.spec), ...flagInputs(flags, requests, runtime.cwd)],
          runtime,
        );
        const planned = await planOptions(read, { platforms: flags.platform, home: runtime.home });
        const rehearsal = await readRehearsal(flags.rehearsal, runtime.cwd);
        const options = {
          ...planned,
          ...(rehearsal !== undefined && { rehearsal }),
          hostImages,
          ...(imageKeys !== undefined && { imageKeys }),
          ...(flags.inspect && { inspect: () => makeInspectPorts(flags.source, runtime) }),
          bundledFiles: await collectIncludes(requests, planned.platforms, runtime),
          output: output.path,
          replaces: output.exists,
          values: flags.values,
          mode: await strictestMode([
            ...secretInputs(specFile, read.spec, flags.values),
            ...(output.exists ? [output.path] : []),
          ]),
          reuse: flags.reuse.map((bundle) => resolve(runtime.cwd, bundle)),
          bases: flags.base.map((bundle) => resolve(runtime.cwd, bundle)),
        };
        const plan = await makePlanPorts(flags.source, runtime);
        const cache = await blobCache(runtime);
        const build = {
          ...plan,
          reader: runtime.blobReader,
          ...(sign !== undefined && { sign }),
          writer: await makeWriter(runtime),
          cache,
          ...((await runtime.settings()).cache.limitBytes !== undefined && { keeper: cache }),
        };
        const bundle = await buildBundle(runtime.run, read.spec, options, build);
        const parts = maxBytes === undefined ? undefined : await replaceByParts(bundle, maxBytes, runtime);
        await runtime.stopProgress();
        const { inventory, ...result } = bundle;
        const isSigned = sign !== undefined;
        runtime.print(bundle, (one) => formatBuild(one, { ...options, isSigned, parts }), {
          formatVersion: 1,
          ...result,
          signed: isSigned,
          ...(parts !== undefined && { parts }),
          values: flags.values,
          images: inventory.images.length,
          warnings: inventory.warnings,
        });
        return EXIT.done;
      });
    });
}

/** Writes the parts of the bundle next to it, and removes it when they are complete. */
async function replaceByParts(
  { file, digest }: WrittenBundle,
  maxBytes: number,
  { run }: CommandRuntime,
): Promise<readonly BundlePart[]> {
  const { writeParts } = await import("../adapters/bundle-file/write-parts.js");
  return writeParts(run, { file, bundle: digest, target: file, maxBytes, isReplaced: true });
}

/** Returns the files of this machine that options name. */
function flagInputs(
  { reuse, rehearsal, base, signKey, verifyImages }: BuildFlags,
  requests: ReturnType<typeof parseIncludes>["requests"],
  cwd: string,
): readonly InputPath[] {
  return [
    ...reuse.map((bundle) => ({
      what: "a bundle of --reuse (the blobs of an existing output are reused anyway)",
      path: resolve(cwd, bundle),
    })),
    ...baseInputs({ base }, cwd),
    ...requests.flatMap(({ source }) =>
      source?.kind === "file" ? [{ what: "a program of --with", path: source.file }] : [],
    ),
    ...(rehearsal === undefined
      ? []
      : [{ what: "the record of the rehearsal", path: resolve(cwd, rehearsal) }]),
    ...verifyImages.map((file) => ({ what: "a key of --verify-images", path: resolve(cwd, file) })),
    ...(signKey === undefined ? [] : [{ what: "the private key", path: resolve(cwd, signKey) }]),
  ];
}
