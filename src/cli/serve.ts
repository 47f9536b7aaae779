// `serve BUNDLE`: serves the bundle as a read-only registry and chart repository until interrupted.
import { networkInterfaces } from "node:os";
import type { Command } from "commander";
import { mirrorSettings } from "../core/load/mirror-settings.js";
import { ViolaError } from "../errors.js";
import { requireSignedIntact } from "../workflows/verify/require-intact.js";
import { serveUntilAborted, type Listen, type ServeReport } from "../workflows/serve.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { writeFolder } from "../adapters/files/local-files.js";
import { checkSettingsFolder } from "./output.js";
import { settingsDocument } from "./reporters/push.js";
import { formatServe } from "./reporters/serve.js";

interface ServeFlags extends CommonOptions, BaseFlags {
  readonly listen: string;
  readonly settings?: string;
}

const DEFAULT_LISTEN = "127.0.0.1:5000";

/**
 * Registers the command. Ctrl-C and SIGTERM are the regular way to stop the server. The exit code
 * is therefore 0, and not 130 as for an interrupted command.
 */
export function registerServe(program: Command, runCommand: RunCommand): void {
  program
    .command("serve")
    .description("serve the bundle as a read-only registry and chart repository, without unpacking it")
    .addHelpText("after", examples("serve app.bundle", "serve app.bundle --listen :5000 --settings nodes"))
    .argument("<bundle>", "bundle file")
    .addOption(baseOption())
    .addOption(keyOption())
    .option("--listen <address>", "ADDRESS:PORT, or :PORT for all addresses of this machine", DEFAULT_LISTEN)
    .option("--settings <folder>", "write settings that make nodes pull from this server to this folder")
    .action(async (file: string, flags: ServeFlags) => {
      await runCommand(flags, async (runtime) => {
        const listen = parseListen(flags.listen);
        const bundle = await openGiven(file, flags, runtime);
        await requireSignedIntact(runtime.run, bundle, { reader: runtime.reader });
        const { serveOpenly } = await import("../adapters/bundle-registry/server.js");
        const folder = await checkSettingsFolder(flags.settings, runtime);
        const onListening = async (report: ServeReport): Promise<void> => {
          const origin = `http://${reachableHost(listen.address)}:${report.port}`;
          const place = { origin, prefix: "", skipVerify: false, answersDockerd: true };
          const settings = mirrorSettings(report.registries, place);
          if (folder !== undefined) await writeFolder(folder, settings);
          runtime.print(report, (one) => formatServe(one, origin, folder), {
            formatVersion: 1,
            ...report,
            registry: origin,
            chartRepository: `${origin}/charts`,
            settings: settingsDocument(settings),
            ...(folder !== undefined && { settingsFolder: folder }),
          });
        };
        await serveUntilAborted(runtime.run, bundle, { ...listen, onListening }, { serveOpenly });
        return EXIT.done;
      });
    });
}

/** Parses `ADDRESS:PORT`, `[ADDRESS]:PORT`, `:PORT` or `PORT`. Throws `USAGE`. */
export function parseListen(text: string): Listen {
  const [, bracketed, bare, port = ""] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535) {
    throw new ViolaError("USAGE", `--listen ${text} is not ADDRESS:PORT`, {
      subject: text,
      hint: `Use for example ${DEFAULT_LISTEN}, [::1]:5000, or :5000 for all addresses.`,
    });
  }
  const address = bracketed ?? bare ?? "";
  return { address: address === "" || address === "*" ? "::" : address, port: Number(port) };
}

/**
 * Returns the host to show to users. When the server listens on all addresses, this is an external
 * address of the machine.
 */
function reachableHost(address: string): string {
  const isAny = address === "::" || address === "0.0.0.0";
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const chosen = addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
  const host = isAny ? (chosen ?? "127.0.0.1") : address;
  return host.includes(":") ? `[${host}]` : host;
}
