// The Docker engine: the only importer of dockerode. Small typed operations; every failure is a DOCKER_UNAVAILABLE with a hint.
import https from "node:https";
import { Readable } from "node:stream";
import Docker from "dockerode";
import { z } from "zod";
import type { StoredImage } from "../../core/load/image-store.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { parseJson, parseValue } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import type { DockerEndpoint } from "./endpoint.js";
import { collectOutput, type ExecSession, type NodeShell } from "../exec/shell.js";
import { startExec } from "./exec.js";

/** A container as a listing shows it. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  /** `running`, `exited`, `paused` and so on. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A local image. */
export interface EngineImage {
  /** `sha256:` of the config, or of the manifest with the containerd image store. */
  readonly id: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** `repo@sha256:…` of the registries it was pulled from. */
  readonly repoDigests: readonly string[];
}

// Parts of what the API answers, with null where Go has an empty slice or map: https://docs.docker.com/reference/api/engine/
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
const VERSION = z.object({ Os: z.string(), Arch: z.string() });

/** A client of one engine. Calls end early with the signal's reason when the signal fires. */
export class DockerEngine {
  readonly #docker: Docker;
  readonly #endpoint: DockerEndpoint;

  constructor(endpoint: DockerEndpoint) {
    this.#docker = new Docker(dockerOptions(endpoint));
    this.#endpoint = endpoint;
  }

  /** Lists containers, stopped ones too, that carry the label (`KEY` or `KEY=VALUE`). */
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

  /** Returns the gateway addresses, IPv4 before IPv6, of the networks that the container is on. */
  async findGateways(container: string, signal: AbortSignal): Promise<readonly string[]> {
    const { NetworkSettings } = await this.#ask(signal, CONTAINER, () =>
      this.#docker.getContainer(container).inspect({ abortSignal: signal }),
    );
    const networks = Object.values(NetworkSettings.Networks ?? {});
    const gateways = [...networks.map((one) => one.Gateway), ...networks.map((one) => one.IPv6Gateway)];
    return [...new Set(gateways.flatMap((gateway) => gateway || []))];
  }

  /** Returns where the commands of a running container run. */
  shellIn(container: string): NodeShell {
    const open = (argv: readonly string[], signal: AbortSignal): Promise<ExecSession> =>
      this.#call(signal, () => startExec(this.#docker.getContainer(container), argv, signal));
    return {
      open,
      exec: async (argv, signal) => {
        const session = await open(argv, signal);
        return await this.#call(signal, () => collectOutput(session, signal));
      },
    };
  }

  /** Returns the image that the engine has under this reference, or undefined when it has none. */
  async inspectImage(reference: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    const image = await this.#ask(signal, IMAGE.optional(), async () => {
      try {
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

  /** Streams the image as `docker save` writes it. The caller reads the tar to its end or destroys it. */
  async saveImage(reference: string, signal: AbortSignal): Promise<Readable> {
    const stream = await this.#call(signal, () => this.#docker.getImage(reference).get());
    if (!(stream instanceof Readable)) throw new TypeError("docker-modem gave no readable stream");
    destroyOnAbort(stream, signal);
    return stream;
  }

  /** Returns the platform that containers run on. */
  async platform(signal: AbortSignal): Promise<Platform> {
    const { Os, Arch } = await this.#ask(signal, VERSION, () => this.#docker.version());
    return { os: Os, architecture: Arch };
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

  /** Returns the ids of images that containers, stopped ones too, were made from. */
  async usedImages(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const containers = await this.#ask(signal, CONTAINERS, () =>
      this.#docker.listContainers({ all: true, abortSignal: signal }),
    );
    return new Set(containers.map(({ ImageID }) => ImageID));
  }

  /**
   * Loads a docker archive. What the engine says against it comes in the body of an answer that is 200. Throws the archive's own
   * error where it cannot be read to its end.
   */
  async loadImages(archive: Readable, signal: AbortSignal): Promise<void> {
    destroyOnAbort(archive, signal);
    const loading = new AbortController();
    // docker-modem pipes the archive into its request, which would wait for the rest for ever.
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
          hint: "See the free disk space and the log of the engine, then load again.",
        });
      }
    });
  }

  /** Takes a tag away, and the image with the last one; an image that a container needs is refused by the engine. */
  async removeImage(name: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, () => this.#docker.getImage(name).remove());
  }

  /** Calls the engine and checks what it answers. */
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

/** Every option is given, undefined ones too: docker-modem takes what is absent from the environment of the process. */
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

/** Returns what a line of the answer says against the archive. Lines that are no JSON tell of progress. */
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
  // What neither the engine nor the connection said is a bug.
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
      `no rights on the Docker engine at ${where}`,
      "Join the group that owns the socket (often `docker`) and log in again, or run with sudo.",
    );
  }
  if (status !== undefined) return fail(`the Docker engine at ${where} refused: ${reason}`);
  return fail(
    `no Docker engine answers at ${where} (from ${endpoint.foundIn}): ${reason}`,
    "Start Docker, or choose the engine with DOCKER_HOST or `docker context use`.",
  );
}
