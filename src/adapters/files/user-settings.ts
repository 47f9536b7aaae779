// Reads the user's settings: mirrors, insecure registries, certificates, helm, concurrency, timeout,
// cache and keys.
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { isSystemError, ManyErrors, ViolaError } from "../../errors.js";
import { findBytes } from "../../core/find-bytes.js";
import { parseYamlFile, strictObject } from "../../core/yaml-file.js";
import { readLimited, TEXT_FILE_BYTES } from "./read-limited.js";

/** Other locations for the content of a registry. */
export interface MirrorRule {
  /**
   * `http(s)://HOST[:PORT][/PREFIX]`, in order. `{registry}` is replaced by the registry's host.
   */
  readonly endpoints: readonly string[];
  /** True when the registry itself must not be used. */
  readonly only: boolean;
}

/** Valid settings. Every path is absolute. */
export interface Settings {
  /** By registry host. `*` applies to every registry without its own rule. */
  readonly mirrors: ReadonlyMap<string, MirrorRule>;
  /**
   * Hosts (with the port, unless it is the default) whose certificates are not verified and that
   * may use plain HTTP.
   */
  readonly insecure: ReadonlySet<string>;
  /** Additional trusted certificates. `pem` is the content of `file`. */
  readonly ca: readonly { readonly file: string; readonly pem: string }[];
  /** The helm program. */
  readonly helm?: string;
  /** How many requests are sent to one registry at a time. */
  readonly concurrency: number;
  /** How long a connection to a registry may transfer no data, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Files of public keys, one of which must have signed every bundle. Not read yet. */
  readonly keys: readonly string[];
  readonly cache: CacheSettings;
}

/** What is kept between runs. */
export interface CacheSettings {
  /** Absolute path; the user's cache folder if absent. */
  readonly folder?: string;
  /** Builds keep the blobs that they fetch, up to this size. They keep none if it is absent. */
  readonly limitBytes?: number;
}

/** The inputs that determine the settings file. */
export interface SettingsPlace {
  /** From `--config`. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

const DEFAULT_CONCURRENCY = 8;
const DEFAULT_STALL_TIMEOUT_SECONDS = 60;

const endpointSchema = z.string().refine(isEndpoint, {
  error: "must be http://HOST[:PORT][/PREFIX] or https://…, without user, query and fragment",
});
const mirrorSchema = z.union(
  [
    z.array(endpointSchema).transform((endpoints) => ({ endpoints, only: false })),
    strictObject({ endpoints: z.array(endpointSchema), only: z.boolean().default(false) }),
  ],
  {
    error:
      "must be a list of http(s)://HOST[:PORT][/PREFIX], or {endpoints: [such a list], only: true or false}",
  },
);
const hostSchema = z
  .string()
  .regex(/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?$/, { error: "must be HOST[:PORT]" });
const filesSchema = z
  .union([z.string(), z.array(z.string())], { error: "must be a file or a list of files" })
  .default([])
  .transform((files) => (typeof files === "string" ? [files] : files));
const sizeSchema = z.union([z.string(), z.number()]).transform((size, context) => {
  const bytes = findBytes(String(size));
  if (bytes !== undefined) return bytes;
  context.addIssue("must be a size such as 20GiB");
  return z.NEVER;
});
const settingsSchema = strictObject({
  mirrors: z.record(z.union([z.literal("*"), hostSchema]), mirrorSchema).default({}),
  insecure: z.array(hostSchema).default([]),
  ca: filesSchema,
  helm: z.string().min(1).optional(),
  concurrency: z.int().min(1).max(64).default(DEFAULT_CONCURRENCY),
  stallTimeout: z.int().min(1).max(3600).default(DEFAULT_STALL_TIMEOUT_SECONDS),
  keys: filesSchema,
  cache: z
    .union(
      [
        z.string().min(1),
        strictObject({ folder: z.string().min(1).optional(), limit: sizeSchema.optional() }),
      ],
      {
        error: "must be a folder, or {folder: FOLDER, limit: SIZE such as 20GiB}, both optional",
      },
    )
    .default({})
    .transform((cache) => (typeof cache === "string" ? { folder: cache } : cache)),
});

/**
 * Reads the settings file: `--config`, `VIOLA_AIRGAP_CONFIG`, or `config.yaml` in the platform's
 * configuration folder. Only the last may be missing.
 * Throws `SETTINGS_INVALID` with all errors of the file, or when the file cannot be read.
 */
export async function loadSettings(place: SettingsPlace): Promise<Settings> {
  const asked = askedFile(place);
  const file = settingsFile(place);
  let text = "";
  try {
    text = (await readLimited(file, TEXT_FILE_BYTES)).toString("utf8");
  } catch (cause) {
    if (asked !== undefined || !isAbsent(cause)) throw unreadable(file, file, cause);
  }
  const { helm, cache, ...parsed } = parseSettings(text, file);
  const folder = dirname(file);
  return {
    mirrors: new Map(Object.entries(parsed.mirrors)),
    insecure: new Set(parsed.insecure),
    ca: await readCertificates(
      parsed.ca.map((path) => resolve(folder, path)),
      file,
    ),
    concurrency: parsed.concurrency,
    stallTimeoutMs: parsed.stallTimeout * 1000,
    keys: parsed.keys.map((path) => resolve(folder, path)),
    // A name without a slash is looked up in PATH.
    ...(helm !== undefined && { helm: /[/\\]/.test(helm) ? resolve(folder, helm) : helm }),
    cache: {
      ...(cache.folder !== undefined && { folder: resolve(folder, cache.folder) }),
      ...(cache.limit !== undefined && { limitBytes: cache.limit }),
    },
  };
}

/** Parses the text of a settings file. Throws `SETTINGS_INVALID` with all errors. */
export function parseSettings(text: string, file: string): z.infer<typeof settingsSchema> {
  return parseYamlFile(text, file, settingsSchema, "SETTINGS_INVALID");
}

/** Returns the path of the settings file, which may be missing. */
export function settingsFile(place: SettingsPlace): string {
  return resolve(askedFile(place) ?? defaultFile(place));
}

function askedFile({ file, env }: SettingsPlace): string | undefined {
  return file ?? (env["VIOLA_AIRGAP_CONFIG"] || undefined);
}

/** Returns the settings without a settings file. */
export function defaultSettings(): Settings {
  return {
    mirrors: new Map(),
    insecure: new Set(),
    ca: [],
    concurrency: DEFAULT_CONCURRENCY,
    stallTimeoutMs: DEFAULT_STALL_TIMEOUT_SECONDS * 1000,
    keys: [],
    cache: {},
  };
}

function defaultFile({ env, home, platform }: SettingsPlace): string {
  const folder =
    platform === "win32"
      ? env["APPDATA"] || join(home, "AppData", "Roaming")
      : platform === "darwin"
        ? join(home, "Library", "Application Support")
        : env["XDG_CONFIG_HOME"] || join(home, ".config");
  return join(folder, "viola-airgap", "config.yaml");
}

async function readCertificates(files: readonly string[], settingsFile: string): Promise<Settings["ca"]> {
  const failures: ViolaError[] = [];
  const certificates: { file: string; pem: string }[] = [];
  for (const file of files) {
    try {
      const pem = (await readLimited(file, TEXT_FILE_BYTES)).toString("utf8");
      if (pem.includes("-----BEGIN CERTIFICATE-----")) certificates.push({ file, pem });
      else failures.push(unreadable(settingsFile, file, "the file has no PEM certificate"));
    } catch (cause) {
      failures.push(unreadable(settingsFile, file, cause));
    }
  }
  const [first] = failures;
  if (first === undefined) return certificates;
  throw failures.length === 1 ? first : new ManyErrors(`${settingsFile}: ca cannot be used`, failures);
}

function unreadable(settingsFile: string, file: string, cause: unknown): ViolaError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const what = settingsFile === file ? "cannot be read" : `ca: ${file} cannot be used`;
  return new ViolaError("SETTINGS_INVALID", `${settingsFile}: ${what}: ${why}`, {
    subject: settingsFile,
    cause,
  });
}

function isAbsent(cause: unknown): boolean {
  return isSystemError(cause, "ENOENT", "ENOTDIR");
}

function isEndpoint(text: string): boolean {
  const example = text.replaceAll("{registry}", "registry.invalid");
  if (!URL.canParse(example)) return false;
  const url = new URL(example);
  if (!/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}
