// `keygen`: creates a key pair to sign bundles with.
import { resolve } from "node:path";
import type { Command } from "commander";
import { writeKeyPair } from "../adapters/files/key-files.js";
import { examples } from "./command-line.js";
import { EXIT } from "./failure.js";
import { checkReport } from "./output.js";
import { formatKeygen } from "./reporters/keygen.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { PASSPHRASE_VARIABLE } from "./wiring/signing.js";

interface KeygenFlags extends CommonOptions {
  readonly output: string;
  readonly force?: boolean;
}

export function registerKeygen(program: Command, runCommand: RunCommand): void {
  program
    .command("keygen")
    .description("create an Ed25519 key pair to sign bundles with")
    .addHelpText(
      "after",
      examples("keygen -o release", "build bundle.yaml -o app.bundle --sign-key release.key"),
    )
    .option(
      "-o, --output <name>",
      "writes NAME.key, the private key, and NAME.pub, the public key",
      "viola-airgap",
    )
    .option("--force", "replace existing files")
    .action(async (flags: KeygenFlags) => {
      await runCommand(flags, async (runtime) => {
        const force = flags.force === true;
        const names = [`${flags.output}.key`, `${flags.output}.pub`];
        // A key is never recognized as one that may be overwritten: what it signed would be lost.
        for (const text of names)
          await checkReport({ option: "--output", text, force }, [], () => false, runtime);
        const [privateFile = "", publicFile = ""] = names.map((name) => resolve(runtime.cwd, name));
        const passphrase = runtime.env[PASSPHRASE_VARIABLE] || undefined;
        const files = { privateFile, publicFile, replaces: force };
        const keyId = await writeKeyPair(files, passphrase);
        const report = { privateFile, publicFile, keyId, encrypted: passphrase !== undefined };
        runtime.print(report, formatKeygen, { formatVersion: 1, ...report });
        return EXIT.done;
      });
    });
}
