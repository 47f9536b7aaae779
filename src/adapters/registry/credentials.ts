// Reads the credentials of registries from the files and helpers of Docker and Podman.
import { join } from "node:path";
import * as z from "zod";
import { readJson } from "../../core/parse-json.js";
import { readLimited, TEXT_FILE_BYTES } from "../files/read-limited.js";
import { runCredentialHelper, type HelperRun } from "./credential-helper.js";

/**
 * A credential for a registry or its token server. All fields except `from`, its origin, are
 * secret.
 */
export type Credential =
  | {
      readonly kind: "password";
      readonly user: string;
      readonly password: string;
      readonly from: string;
    }
  /** A refresh token, which only token servers accept. */
  | {
      readonly kind: "identity";
      readonly token: string;
      readonly from: string;
    };

/** The locations of credentials. */
export interface CredentialPlaces extends HelperRun {
  readonly home: string;
}

const authSchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const fileSchema = z.object({
  auths: z.record(z.string(), authSchema).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});
type AuthFile = z.infer<typeof fileSchema>;

/** The content of a file. `name` is its path, or the environment variable that holds it. */
interface NamedFile {
  readonly name: string;
  readonly content: AuthFile;
}

/** Docker's keys for the credentials of Docker Hub, the most common one first. */
const DOCKER_HUB_KEYS = ["https://index.docker.io/v1/", "docker.io", "index.docker.io"] as const;

/** Looks up credentials. Reads each file once, and runs a helper once per repository. */
export class CredentialStore {
  readonly #places: CredentialPlaces;
  readonly #found = new Map<string, Promise<Credential | undefined>>();
  #files: Promise<readonly NamedFile[]> | undefined;

  constructor(places: CredentialPlaces) {
    this.#places = places;
  }

  /**
   * Returns the credentials for a repository of a host, or undefined when there are none. Hosts
   * match exactly, including the port. The order of files is `DOCKER_AUTH_CONFIG`, Podman's
   * auth.json, Docker's config.json. Within a file it is Docker's: credHelpers, credsStore, auths. A
   * key in Podman's file may be `HOST/PATH`, and the longest match wins (containers-auth.json(5)).
   * Unreadable files and failed helpers are ignored, as in Docker and Podman.
   */
  find(host: string, repository: string): Promise<Credential | undefined> {
    const name = `${host}/${repository}`;
    const known = this.#found.get(name) ?? this.#find(host, repository);
    this.#found.set(name, known);
    return known;
  }

  async #find(host: string, repository: string): Promise<Credential | undefined> {
    this.#files ??= this.#readFiles();
    for (const { name, content } of await this.#files) {
      const credential = await findInFile({ name, content }, { host, repository }, this.#places);
      if (credential !== undefined) return credential;
    }
    return undefined;
  }

  async #readFiles(): Promise<readonly NamedFile[]> {
    const { env, home } = this.#places;
    const files: NamedFile[] = [];
    const inline = parseAuthFile(env["DOCKER_AUTH_CONFIG"]);
    // Docker reads only `auths` from the variable.
    if (inline?.auths)
      files.push({
        name: "DOCKER_AUTH_CONFIG",
        content: { auths: inline.auths },
      });
    for (const name of authFiles(env, home)) {
      const content = parseAuthFile(await readAuthFile(name));
      if (content !== undefined) files.push({ name, content });
    }
    return files;
  }
}

/** Lists the files of Podman and Docker, in the order of Podman (containers-auth.json(5)). */
function authFiles(env: CredentialPlaces["env"], home: string): readonly string[] {
  const named = env["REGISTRY_AUTH_FILE"];
  const runtime = env["XDG_RUNTIME_DIR"];
  return [
    ...(named ? [named] : []),
    ...(runtime ? [join(runtime, "containers", "auth.json")] : []),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers", "auth.json"),
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
  ];
}

async function readAuthFile(name: string): Promise<string | undefined> {
  return readLimited(name, TEXT_FILE_BYTES).then(
    (bytes) => bytes.toString("utf8"),
    () => undefined,
  );
}

function parseAuthFile(text: string | undefined): AuthFile | undefined {
  return text === undefined ? undefined : fileSchema.safeParse(readJson(text)).data;
}

async function findInFile(
  { name, content }: NamedFile,
  { host, repository }: { readonly host: string; readonly repository: string },
  places: CredentialPlaces,
): Promise<Credential | undefined> {
  const hostKeys: readonly string[] = host === "docker.io" ? DOCKER_HUB_KEYS : [host];
  for (const key of hostKeys) {
    const helpers = content.credHelpers ?? {};
    const helper = Object.hasOwn(helpers, key) ? helpers[key] : undefined;
    const answer = helper ? await askHelper(helper, key, places) : undefined;
    if (answer !== undefined) return answer;
  }
  const stored = content.credsStore
    ? await askHelper(content.credsStore, hostKeys[0] ?? host, places)
    : undefined;
  if (stored !== undefined) return stored;

  const entries = Object.entries(content.auths ?? {}).map(([key, auth]) => ({
    key: normalizeKey(key),
    auth,
  }));
  for (const wanted of keysOf(host, repository)) {
    const entry = entries.find(({ key }) => key === wanted);
    const credential = entry && toCredential(entry.auth, name);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

async function askHelper(
  name: string,
  server: string,
  places: CredentialPlaces,
): Promise<Credential | undefined> {
  const answer = await runCredentialHelper(name, server, places);
  if (answer === undefined) return undefined;
  const { Username: user, Secret: secret } = answer;
  const from = `docker-credential-${name}`;
  return user === "<token>"
    ? { kind: "identity", token: secret, from }
    : { kind: "password", user, password: secret, from };
}

/** Lists `host/a/b`, `host/a`, `host`. */
function keysOf(host: string, repository: string): readonly string[] {
  const parts = [host, ...repository.split("/")];
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
}

/**
 * Old versions of Docker wrote URLs as keys. Removes the scheme and the path of an API version, as
 * ConvertToHostname of docker/cli does.
 */
function normalizeKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .replace(/\/v[12]$/, "");
  return bare.replace(/^index\.docker\.io(?=\/|$)/, "docker.io");
}

function toCredential(auth: z.infer<typeof authSchema>, from: string): Credential | undefined {
  if (auth.identitytoken) return { kind: "identity", token: auth.identitytoken, from };
  if (auth.username && auth.password)
    return {
      kind: "password",
      user: auth.username,
      password: auth.password,
      from,
    };
  const text = Buffer.from(auth.auth ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  // Some clients pad the password with zero bytes, and Docker removes them.
  return {
    kind: "password",
    user: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ""),
    from,
  };
}
