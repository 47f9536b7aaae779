// The client of the Docker engine. Only this file and exec.ts import dockerode.
import https from "node:https";
import { Readable } from "node:stream";
import Docker from "dockerode";
import pLimit from "p-limit";
import * as z from "zod";
import type { OnActivity } from "../../core/activity.js";
import type { StoredImage } from "../../core/load/image-store.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { parseJson, parseValue } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import type { DockerEndpoint } from "./endpoint.js";
import { collectOutput, observeShell, type ExecSession, type NodeShell } from "../exec/shell.js";
import { startExec } from "./exec.js";

/** A container as listed by the engine. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  /** `running`, `exited`, `paused` and so on. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A local image. */
export interface EngineImage {
  /** Digest of the config, or of the manifest with the containerd image store. */
  readonly id: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** `REPOSITORY@DIGEST` for each registry that the image was pulled from. */
  readonly repoDigests: readonly string[];
}

// Parts of the responses. Go writes null for an empty slice or map.
// https://docs.docker.com/reference/api/engine/
const NAMES = z.array(z.string()).nullish();
const CONTAINERS = z.array(
  z.object({
    Id: z.string(),
    Names: NAMES,
    State: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    ImageID: z.string(),
  }),
);
const NETWORK = z.object({ Gateway: z.string().nullish(), IPv6Gateway: z.string().nullish() });
const CONTAINER = z.object({
  NetworkSettings: z.object({ Networks: z.record(z.string(), NETWORK).nullish() }),
});
const IMAGE = z.object({
  Id: z.string(),
  Os: z.string(),
  Architecture: z.string(),
  Variant: z.string().nullish(),
  RepoDigests: NAMES,
});
const IMAGES = z.array(z.object({ Id: z.string(), RepoTags: NAMES, RepoDigests: NAMES }));
const LOAD_LINE = z.object({ errorDetail: z.object({ message: z.string() }).nullish() });
const INFO = z.object({ DriverStatus: z.array(z.array(z.string())).nullish() });
/** https://docs.docker.com/engine/storage/containerd/ */
const CONTAINERD_STORE = "io.containerd.snapshotter.";
const LAYERS = z.object({ RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish() });
/** How many images are inspected at once. */
const INSPECTIONS = 8;
const VERSION = z.object({ Version: z.string(), Os: z.string(), Arch: z.string() });

/** Docker shortens container ids to this length. */
const SHORT_ID = 12;

/**
 * The client of one engine. Every call throws the signal's reason when the signal fires, and
 * `DOCKER_UNAVAILABLE` when the engine does not respond or rejects the request.
 */
export class DockerEngine {
  readonly #docker: Docker;
  readonly #endpoint: DockerEndpoint;
  readonly #onActivity: OnActivity | undefined;

  /** `onActivity` is notified of every process in a container. */
  constructor(endpoint: DockerEndpoint, onActivity?: OnActivity) {
    this.#onActivity = onActivity;
    this.#docker = new Docker(dockerOptions(endpoint));
    this.#endpoint = endpoint;
  }

  /** Lists the containers with the label (`KEY` or `KEY=VALUE`), including stopped containers. */
  async listContainers(label: string, signal: AbortSignal): Promise<readonly ContainerSummary[]> {
    const containers = await this.#ask(signal, CONTAINERS, () =>
      this.#docker.listContainers({ all: true, filters: { label: [label] }, abortSignal: signal }),
    );
    return containers.map(({ Id, Names, State, Labels }) => ({
      id: Id,
      name: (Names?.[0] ?? Id).replace(/^\//, ""),
      state: State,
      labels: Labels ?? {},
    }));
  }

  /** Returns the gateway addresses of the networks of the container, IPv4 before IPv6. */
  async findGateways(container: string, signal: AbortSignal): Promise<readonly string[]> {
    const { NetworkSettings } = await this.#ask(signal, CONTAINER, () =>
      this.#docker.getContainer(container).inspect({ abortSignal: signal }),
    );
    const networks = Object.values(NetworkSettings.Networks ?? {});
    const gateways = [...networks.map((one) => one.Gateway), ...networks.map((one) => one.IPv6Gateway)];
    return [...new Set(gateways.flatMap((gateway) => gateway || []))];
  }

  /** Returns a shell for a running container. */
  shellIn(container: string): NodeShell {
    const open = (argv: readonly string[], signal: AbortSignal): Promise<ExecSession> =>
      this.#call(signal, () => startExec(this.#docker.getContainer(container), argv, signal));
    const shell: NodeShell = {
      open,
      exec: async (argv, signal) => {
        const session = await open(argv, signal);
        return await this.#call(signal, () => collectOutput(session, signal));
      },
    };
    return observeShell(shell, container.slice(0, SHORT_ID), this.#onActivity);
  }

  /** Returns the image for the reference, or undefined when the engine does not have it. */
  async inspectImage(reference: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    const image = await this.#ask(signal, IMAGE.optional(), async () => {
      try {
        // RepoDigests is null for an image that was never pulled or pushed.
        return await this.#docker.getImage(reference).inspect();
      } catch (cause) {
        if (statusOf(cause) === 404) return undefined;
        throw cause;
      }
    });
    if (image === undefined) return undefined;
    return {
      id: image.Id,
      os: image.Os,
      architecture: image.Architecture,
      ...(image.Variant && { variant: image.Variant }),
      repoDigests: image.RepoDigests ?? [],
    };
  }

  /**
   * Streams the image in the format of `docker save`. The caller reads the stream to its end or
   * destroys it.
   */
  async saveImage(reference: string, signal: AbortSignal): Promise<Readable> {
    const stream = await this.#call(signal, () => this.#docker.getImage(reference).get());
    if (!(stream instanceof Readable)) throw new TypeError("docker-modem returned no readable stream");
    destroyOnAbort(stream, signal);
    return stream;
  }

  /** Returns the platform that containers run on. */
  async platform(signal: AbortSignal): Promise<Platform> {
    const { Os, Arch } = await this.#ask(signal, VERSION, () => this.#docker.version());
    return { os: Os, architecture: Arch };
  }

  /** Returns the release of the engine, and whether it accepts the text as the name of an image. */
  async describe(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly version: string; readonly accepts: boolean }> {
    const { Version } = await this.#ask(signal, VERSION, () => this.#docker.version());
    const accepts = await this.#call(signal, () =>
      this.#docker
        .getImage(name)
        .inspect()
        .then(
          () => true,
          (cause: unknown) => {
            if (statusOf(cause) === 404) return true;
            if (statusOf(cause) === 400) return false;
            throw cause;
          },
        ),
    );
    return { version: Version, accepts };
  }

  /** Lists all images of the engine. */
  async listImages(signal: AbortSignal): Promise<readonly StoredImage[]> {
    const images = await this.#ask(signal, IMAGES, () => this.#docker.listImages({ abortSignal: signal }));
    const known = (names: readonly string[] | null | undefined): readonly string[] =>
      (names ?? []).filter((name) => !name.includes("<none>"));
    return images.map(({ Id, RepoTags, RepoDigests }) => ({
      id: Id,
      tags: known(RepoTags),
      digests: known(RepoDigests),
    }));
  }

  /**
   * Returns the diff ids of the layers of every image, from the base up. Empty if the engine keeps its
   * images in containerd, which needs every layer in an archive that it loads.
   */
  async listLayers(signal: AbortSignal): Promise<readonly (readonly string[])[]> {
    const { DriverStatus } = await this.#ask(signal, INFO, () => this.#docker.info());
    if (DriverStatus?.some(([, value]) => value?.startsWith(CONTAINERD_STORE) === true) === true) return [];
    const limit = pLimit(INSPECTIONS);
    const layers = await Promise.all(
      (await this.listImages(signal)).map(({ id }) =>
        limit(() =>
          this.#ask(signal, LAYERS, async () => {
            try {
              return await this.#docker.getImage(id).inspect();
            } catch (cause) {
              // It was removed meanwhile.
              if (statusOf(cause) === 404) return {};
              throw cause;
            }
          }),
        ),
      ),
    );
    return layers.map(({ RootFS }) => RootFS?.Layers ?? []);
  }

  /** Returns the IDs of the images of all containers, including stopped containers. */
  async usedImages(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const containers = await this.#ask(signal, CONTAINERS, () =>
      this.#docker.listContainers({ all: true, abortSignal: signal }),
    );
    return new Set(containers.map(({ ImageID }) => ImageID));
  }

  /**
   * Loads a docker archive. Throws `NODE_LOAD_FAILED` for an error of the load. The engine reports
   * it in the body of a response with status 200. Throws the error of the
   * archive when it cannot be read to its end.
   */
  async loadImages(archive: Readable, signal: AbortSignal): Promise<void> {
    destroyOnAbort(archive, signal);
    const loading = new AbortController();
    // docker-modem pipes the archive into its request and ignores errors: the request would never end.
    archive.once("error", (cause) => {
      loading.abort(cause);
    });
    await this.#call(signal, async () => {
      let text = "";
      try {
        const answer = await this.#docker.loadImage(archive, { quiet: true, abortSignal: loading.signal });
        for await (const chunk of answer) text += String(chunk);
      } catch (cause) {
        throw archive.errored ?? cause;
      }
      const why = text
        .split("\n")
        .map(readLoadFailure)
        .find((message) => message !== undefined);
      if (why !== undefined) {
        throw new ViolaError("NODE_LOAD_FAILED", `docker: the images could not be loaded: ${why}`, {
          subject: "docker",
          hint: "Check the free disk space and the log of the engine, and the bundle with `verify --layers`. Then load again.",
        });
      }
    });
  }

  /**
   * Removes a tag, and also the image when it has no other tag. The engine rejects this for an
   * image that a container uses.
   */
  async removeImage(name: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, () => this.#docker.getImage(name).remove());
  }

  /** Calls the engine and validates its response. */
  async #ask<T>(signal: AbortSignal, schema: z.ZodType<T>, operation: () => Promise<unknown>): Promise<T> {
    return parseValue(await this.#call(signal, operation), schema, (what) => {
      const where = describeEndpoint(this.#endpoint);
      return new ViolaError("DOCKER_UNAVAILABLE", `what answers at ${where} is no Docker engine: ${what}`, {
        subject: where,
        hint: "See what `docker version` says, or choose the engine with DOCKER_HOST or `docker context use`.",
      });
    });
  }

  async #call<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof ViolaError) throw cause;
      throw engineError(cause, this.#endpoint);
    }
  }
}

/** Sets every option, because docker-modem reads missing options from the process environment. */
function dockerOptions(endpoint: DockerEndpoint): Docker.DockerOptions {
  const absent = {
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
  };
  if (endpoint.kind === "socket") return { ...absent, protocol: "http", socketPath: endpoint.path };
  const { host, port, tls } = endpoint;
  if (tls === undefined) return { ...absent, protocol: "http", socketPath: undefined, host, port };
  const { verify, ...certificates } = tls;
  const agent = verify ? undefined : new https.Agent({ ...certificates, rejectUnauthorized: false });
  return {
    ...absent,
    protocol: "https",
    socketPath: undefined,
    host,
    port,
    ...certificates,
    ...(agent && { agent }),
  };
}

/** Returns the error in a line of the response. Lines that are not JSON report progress. */
function readLoadFailure(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  return parseJson(
    line,
    LOAD_LINE,
    (what, cause) =>
      new ViolaError("DOCKER_UNAVAILABLE", `the Docker engine answered something unexpected: ${what}`, {
        subject: "docker",
        cause,
      }),
  ).errorDetail?.message;
}

/** Destroys the stream when the signal fires before the stream has ended. */
function destroyOnAbort(stream: Readable, signal: AbortSignal): void {
  const abort = (): void => {
    stream.destroy(signal.reason instanceof Error ? signal.reason : new Error("interrupted"));
  };
  signal.addEventListener("abort", abort, { once: true });
  stream.once("close", () => {
    signal.removeEventListener("abort", abort);
  });
  if (signal.aborted) abort();
}

function describeEndpoint(endpoint: DockerEndpoint): string {
  return endpoint.kind === "socket" ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}

function statusOf(cause: unknown): number | undefined {
  return cause instanceof Error && "statusCode" in cause ? Number(cause.statusCode) : undefined;
}

function engineError(cause: unknown, endpoint: DockerEndpoint): ViolaError {
  const where = describeEndpoint(endpoint);
  const status = statusOf(cause);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  // Errors of the engine and of the connection have a status or a code.
  if (status === undefined && code === undefined) throw cause;
  const reason = cause instanceof Error ? cause.message.trim() : String(cause);
  const fail = (message: string, hint?: string): ViolaError =>
    new ViolaError("DOCKER_UNAVAILABLE", message, {
      subject: where,
      cause,
      ...(hint !== undefined && { hint }),
    });
  if (code === "EACCES" || code === "EPERM" || status === 401 || status === 403) {
    return fail(
      `no permission to use the Docker engine at ${where}`,
      "Add your user to the group that owns the socket (often `docker`) and log in again, or run with sudo.",
    );
  }
  if (status !== undefined) return fail(`the Docker engine at ${where} rejected the request: ${reason}`);
  return fail(
    `no Docker engine responds at ${where} (from ${endpoint.foundIn}): ${reason}`,
    "Start Docker, or select another engine with DOCKER_HOST or `docker context use`.",
  );
}
