// `serve BUNDLE`: the bundle as read-only registry and chart repository, straight from the file, until it is ended.
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { mirrorSettings } from "../core/load/mirror-settings.js";
import { ViolaError } from "../errors.js";
import { serveUntilAborted, type Listen, type ServeReport } from "../workflows/serve.js";
import type { CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import type { RunCommand } from "./runtime.js";
import { settingsDocument, writeNodeSettings } from "./push.js";

interface ServeFlags extends CommonOptions {
  readonly listen: string;
  readonly settings?: string;
}

const DEFAULT_LISTEN = "127.0.0.1:5000";

/**
 * Registers the command. A server that was ended by Ctrl-C or SIGTERM has done what was asked of it, so that is exit code 0, and not the 130 of
 * work that was cut short.
 */
export function registerServe(program: Command, runCommand: RunCommand): void {
  program
    .command("serve")
    .description("serve the bundle as a read-only registry and chart repository, straight from the file")
    .argument("<bundle>", "bundle file")
    .option("--listen <address>", "ADDRESS:PORT, :PORT for all addresses of this machine", DEFAULT_LISTEN)
    .option("--settings <folder>", "write settings that make nodes pull from here into this folder")
    .action(async (file: string, flags: ServeFlags) => {
      await runCommand(flags, async (runtime) => {
        const listen = parseListen(flags.listen);
        const bundle = await runtime.reader.openBundle(resolve(runtime.cwd, file));
        const { serveOpenly } = await import("../adapters/bundle-registry/server.js");
        const folder = flags.settings === undefined ? undefined : resolve(runtime.cwd, flags.settings);
        const onListening = async (report: ServeReport): Promise<void> => {
          const origin = `http://${reachableHost(listen.address)}:${report.port}`;
          const place = { origin, prefix: "", skipVerify: false, answersDockerd: true };
          const settings = mirrorSettings(report.registries, place);
          if (folder !== undefined) await writeNodeSettings(folder, settings);
          runtime.print(formatServe(report, origin, folder), {
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

/** Reads `ADDRESS:PORT`, `[ADDRESS]:PORT`, `:PORT` or `PORT`. Throws `USAGE`. */
export function parseListen(text: string): Listen {
  const [, bracketed, bare, port = ""] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535) {
    throw new ViolaError("USAGE", `--listen ${text} is no ADDRESS:PORT`, {
      subject: text,
      hint: `Write it like ${DEFAULT_LISTEN}, [::1]:5000, or :5000 for all addresses.`,
    });
  }
  const address = bracketed ?? bare ?? "";
  return { address: address === "" || address === "*" ? "::" : address, port: Number(port) };
}

/** Returns the host that others are told: for all addresses, one of this machine's that others can reach. */
function reachableHost(address: string): string {
  const isAny = address === "::" || address === "0.0.0.0";
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const chosen = others.find(({ internal, family }) => !internal && family === "IPv4")?.address;
  const host = isAny ? (chosen ?? "127.0.0.1") : address;
  return host.includes(":") ? `[${host}]` : host;
}

function formatServe(report: ServeReport, origin: string, folder: string | undefined): string {
  const { host } = new URL(origin);
  const [name = ""] = report.names;
  const [chart] = report.charts;
  const [registry = "docker.io"] = report.registries;
  return [
    `${report.bundle}: ${report.images} images and ${report.charts.length} charts at ${origin}, until Ctrl-C`,
    ...(name === "" ? [] : [`  images      docker pull ${host}/${name}`]),
    ...(chart === undefined
      ? []
      : [
          `  charts      helm repo add viola ${origin}/charts && helm pull viola/${chart.name} --version ${chart.version}`,
        ]),
    `  containerd  /etc/containerd/certs.d/${registry}/hosts.toml, and so for ${report.registries.length === 1 ? "no other" : report.registries.slice(1).join(", ")}:`,
    `                [host."${origin}"]`,
    '                  capabilities = ["pull", "resolve"]',
    folder === undefined
      ? "  --settings FOLDER writes this for containerd, k3s, podman and docker"
      : `  settings for the nodes are in ${folder}; README.txt there says where each goes`,
  ].join("\n");
}
