// `--with` of `build`: includes programs and the node image of Kind, for an isolated host that has
// only a container engine.
import { resolve } from "node:path";
import type { ProgramSource } from "../../adapters/programs/bundle-program.js";
import { parseReference } from "../../core/images/reference.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { CommandRuntime } from "../runtime.js";
import { findHelmProgram, programFolder } from "./planning.js";
import type { BundledFile } from "../../core/bundle/archive-plan.js";

const PROGRAMS = ["node", "helm", "kubectl"] as const;
type ProgramName = (typeof PROGRAMS)[number];
const KIND_NODE_IMAGE = "kind-node-image";
const NAMES = ["cli", ...PROGRAMS, KIND_NODE_IMAGE];

/** A requested program. Without a source, the one of this machine is included. */
interface IncludeRequest {
  readonly name: "cli" | ProgramName;
  readonly source?: ProgramSource;
}

/**
 * Parses values of `--with`: `cli`, `NAME`, `NAME=FILE`, `NAME=URL#sha256:HEX` or
 * `kind-node-image=REF`, or several separated by commas. Throws `USAGE`, and `REFERENCE_INVALID`
 * for REF.
 */
export function parseIncludes(
  values: readonly string[],
  cwd: string,
): { readonly requests: readonly IncludeRequest[]; readonly hostImages: readonly string[] } {
  const texts = values.flatMap((value) =>
    value.split(new RegExp(`,(?=(?:${NAMES.join("|")})(?:[=,]|$))`)).map((text) => text.trim()),
  );
  const isImage = (text: string): boolean => text.startsWith(`${KIND_NODE_IMAGE}=`);
  const hostImages = texts.filter(isImage).map((text) => text.slice(KIND_NODE_IMAGE.length + 1));
  hostImages.forEach(parseReference);
  const requests = texts.filter((text) => !isImage(text)).map((text) => parseRequest(text, cwd));
  return { requests: [...new Map(requests.map((request) => [request.name, request])).values()], hostImages };
}

function parseRequest(text: string, cwd: string): IncludeRequest {
  const [, given = "", source] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const wrong = (message: string): ViolaError =>
    new ViolaError("USAGE", `--with ${text}: ${message}`, {
      subject: text,
      hint: "Use cli, node, helm or kubectl; NAME=FILE or NAME=URL#sha256:HEX for node, helm and kubectl; or kind-node-image=REFERENCE.",
    });
  if (given === "cli" && source === undefined) return { name: "cli" };
  const name = PROGRAMS.find((program) => program === given);
  if (name === undefined || source === "") throw wrong("this cannot be included");
  if (source === undefined) return { name };
  if (!/^https?:\/\//.test(source)) return { name, source: { kind: "file", file: resolve(cwd, source) } };
  const [, url, sha256] = /^([^#]+)#sha256:([0-9a-f]{64})$/.exec(source) ?? [];
  if (url === undefined || sha256 === undefined) throw wrong("a URL requires #sha256: and 64 hex digits");
  if (!URL.canParse(url)) throw wrong("the URL is invalid");
  return { name, source: { kind: "url", url, sha256 } };
}

/** Finds or fetches the files, in the order of the bundle. Throws all failures at once. */
export async function collectIncludes(
  requests: readonly IncludeRequest[],
  platforms: readonly Platform[],
  runtime: CommandRuntime,
): Promise<readonly BundledFile[]> {
  if (requests.length === 0) return [];
  const [{ bundledCli }, { bundleProgram }, { http }, folder] = await Promise.all([
    import("../../adapters/programs/bundle-cli.js"),
    import("../../adapters/programs/bundle-program.js"),
    runtime.registry(),
    runtime.temporaryFolder(),
  ]);
  const options = { platforms, folder, http };
  const bundledFiles = await settleAll(
    "some programs could not be included",
    requests.map(async ({ name, source }) =>
      name === "cli"
        ? bundledCli(runtime.home, runtime.signal)
        : [
            await bundleProgram(
              runtime.run,
              { name, source: source ?? { kind: "file", file: await findProgram(name, runtime) } },
              options,
            ),
          ],
    ),
  );
  return bundledFiles.flat().sort((one, other) => (one.path < other.path ? -1 : 1));
}

async function findProgram(name: ProgramName, runtime: CommandRuntime): Promise<string> {
  if (name === "node") return process.execPath;
  if (name === "helm") return (await findHelmProgram(runtime)).program;
  const { findKubectl } = await import("../../adapters/kube/find-kubectl.js");
  return findKubectl({ path: runtime.env["PATH"], cacheFolder: await programFolder(runtime) });
}
