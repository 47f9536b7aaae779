// The image store of Podman. Podman pulls the images by their names. A temporary registries.conf
// redirects the pulls to the bundle server on this machine.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { OnActivity } from "../../core/activity.js";
import type { EngineNeed } from "../../core/load/engine-limits.js";
import { IPV6_NAME, type ImageStore } from "../../core/load/image-store.js";
import { registryFolder } from "../../core/load/registry-layout.js";
import { wantedNames } from "../../core/load/missing-content.js";
import { formatRepository, parseReference } from "../../core/images/reference.js";
import { normalizePlatform } from "../../core/oci/platform.js";
import { parseJson } from "../../core/parse-json.js";
import { isSystemError, oneOrMany, ViolaError } from "../../errors.js";
import { serveBundle } from "../bundle-registry/server.js";
import { createTemporaryFolder } from "../files/user-folders.js";
import { ProcessError, runProcess } from "../programs/run-process.js";

type Variables = Readonly<Record<string, string | undefined>>;

const imagesSchema = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    RepoDigests: z.array(z.string()).nullish(),
  }),
);

/** Diff ids; null for an image without layers. */
const layersSchema = z.array(z.string()).nullable();

const LIST_TRIES = 5;

/** The exit code of `podman image exists` for a name that it accepts and does not have. */
const NOT_FOUND = 1;

function unexpected(what: string, cause?: Error): ViolaError {
  return new ViolaError("NODE_LOAD_FAILED", `podman: its list of images is not what it prints: ${what}`, {
    subject: "podman",
    cause,
    hint: "See what `podman images --format json` prints for this user.",
  });
}

/**
 * Returns the image store of the current user. Digests resolve as at the registry, because Podman
 * keeps the indexes that it pulls.
 * https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 */
export function podmanStore(env: Variables, onActivity?: OnActivity): ImageStore {
  const podman = async (
    args: readonly string[],
    signal: AbortSignal,
    more: Variables = {},
  ): Promise<string> => {
    try {
      const environment: Record<string, string> = Object.fromEntries(
        Object.entries({ ...env, ...more }).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value] as const],
        ),
      );
      return (
        await runProcess(["podman", ...args], { signal, onActivity, env: environment, killSignal: "SIGTERM" })
      ).stdout;
    } catch (cause) {
      if (!(cause instanceof ProcessError)) throw cause;
      const isMissing = isSystemError(cause.cause, "ENOENT", "EACCES");
      throw new ViolaError(
        "NODE_LOAD_FAILED",
        `podman: ${isMissing ? "the program cannot be started" : cause.message}`,
        {
          subject: "podman",
          cause,
          hint: isMissing
            ? "Install podman, or add it to PATH."
            : "Check that `podman info` works for this user.",
        },
      );
    }
  };
  return {
    name: "podman",
    keepsDigests: true,
    platform: async (signal) => {
      const [os = "linux", architecture = ""] = (
        await podman(["info", "--format", "{{.Host.OS}} {{.Host.Arch}}"], signal)
      )
        .trim()
        .split(" ");
      return normalizePlatform({ os, architecture });
    },
    findLimits: async (signal) => {
      const acceptsIpv6 = await podman(["image", "exists", "--", IPV6_NAME], signal).then(
        () => true,
        (cause: unknown) => exitCodeOf(cause) === NOT_FOUND,
      );
      const lacks: readonly EngineNeed[] = ["docker-zstd", "encrypted", "nested-index", "long-name"];
      return { engine: "podman", lacks: new Set([...lacks, ...(acceptsIpv6 ? [] : ["ipv6-host" as const])]) };
    },
    listImages: async (signal) => {
      const text = await listed(() => podman(["images", "--all", "--no-trunc", "--format", "json"], signal));
      // Podman lists an image once for each of its names, every time with all names.
      const byId = new Map(parseJson(text, imagesSchema, unexpected).map((image) => [image.Id, image]));
      return [...byId.values()].map(({ Id, Names, RepoDigests }) => ({
        id: `sha256:${Id}`,
        tags: (Names ?? []).filter((name) => !name.includes("@")),
        digests: RepoDigests ?? [],
      }));
    },
    usedImages: async (signal) => {
      const text = await podman(
        ["ps", "--all", "--external", "--no-trunc", "--format", "{{.ImageID}}"],
        signal,
      );
      return new Set(text.split("\n").flatMap((id) => (id === "" ? [] : [`sha256:${id}`])));
    },
    listLayers: async (signal) => {
      const ids = (await podman(["images", "--all", "--quiet", "--no-trunc"], signal)).split("\n");
      const known = [...new Set(ids.flatMap((id) => id.trim() || []))];
      if (known.length === 0) return [];
      const text = await podman(
        ["image", "inspect", "--format", "{{json .RootFS.Layers}}", ...known],
        signal,
      );
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => parseJson(line, layersSchema, unexpected) ?? []);
    },
    loadImages: async (missing, { bundle }, onBytes, signal) => {
      const folder = await createTemporaryFolder("viola-airgap-");
      const served = await serveBundle(bundle, {
        address: "127.0.0.1",
        asMirror: true,
        onSent: (_, bytes) => {
          onBytes(bytes);
        },
      });
      try {
        const wanted = wantedNames(missing);
        const hosts = [...new Set(wanted.map(({ name }) => parseReference(name).registry))];
        const mirror = `127.0.0.1:${served.port}${served.pathFor("podman")}`;
        const file = join(folder, "registries.conf");
        const entries = hosts.map((host) =>
          [
            "[[registry]]",
            `prefix = "${host}"`,
            `location = "${mirror}/${registryFolder(host)}"`,
            "insecure = true",
            "",
          ].join("\n"),
        );
        await writeFile(file, `unqualified-search-registries = []\n${entries.join("\n")}`);
        const proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        const around = {
          CONTAINERS_REGISTRIES_CONF: file,
          ...Object.fromEntries(proxies.map((name) => [name, undefined])),
        };
        const failures: ViolaError[] = [];
        for (const { name, platform } of wanted) {
          const reference = parseReference(name);
          // Podman rejects a reference with both a tag and a digest.
          const plain =
            reference.digest === undefined ? name : `${formatRepository(reference)}@${reference.digest}`;
          await podman(["pull", "--quiet", `--platform=${platform}`, "--", plain], signal, around).catch(
            (cause: unknown) => {
              failures.push(pullFailure(name, cause));
            },
          );
        }
        if (failures.length > 0) throw oneOrMany("podman rejects some images", failures);
      } finally {
        await served.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
    removeImage: async (name, signal) => {
      // Podman refuses to remove an image by its id while it has several names, of which some may be
      // digests. Without names it is removed only if no container uses it.
      if (name.startsWith("sha256:")) await podman(["untag", "--", name], signal);
      await podman(["rmi", "--", name], signal);
    },
  };
}

function exitCodeOf(error: unknown): number | undefined {
  const cause = error instanceof ViolaError ? error.cause : undefined;
  return cause instanceof ProcessError ? cause.exitCode : undefined;
}

/** Runs `podman images`, which fails as a whole if an image is removed while it runs. */
async function listed(list: () => Promise<string>): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await list();
    } catch (error) {
      const cause = error instanceof ViolaError ? error.cause : undefined;
      const isRemoved = cause instanceof ProcessError && cause.stderrTail.includes("image not known");
      if (!isRemoved || tries === LIST_TRIES) throw error;
    }
  }
}

/**
 * Returns the error for one image that podman rejects. Throws other errors, such as a missing
 * podman, as they are.
 */
function pullFailure(name: string, error: unknown): ViolaError {
  const cause = error instanceof ViolaError ? error.cause : undefined;
  if (!(cause instanceof ProcessError) || cause.exitCode === undefined) throw error;
  return new ViolaError("NODE_LOAD_FAILED", `podman: ${name}: ${cause.message}`, {
    subject: name,
    cause,
    hint: "Podman takes images that `podman pull` can pull. The other images are loaded.",
  });
}
