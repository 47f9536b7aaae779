// Credentials of registries, from where docker and podman keep them.
import { join } from "node:path";
import { z } from "zod";
import { readJson } from "../../core/parse-json.js";
import { readLimited, TEXT_FILE_BYTES } from "../files/read-limited.js";
import { askCredentialHelper } from "./credential-helper.js";

/** What a registry or its token server is to be told. `from` says where it was found and is safe to show; the rest is secret. */
export type Credential =
  | { readonly kind: "password"; readonly user: string; readonly password: string; readonly from: string }
  /** A refresh token, which only a token server takes. */
  | { readonly kind: "identity"; readonly token: string; readonly from: string };

/** Where credentials are looked for. */
export interface CredentialPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
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

/** Keys under which Docker keeps the credentials of Docker Hub, the usual one first. */
const DOCKER_HUB_KEYS = ["https://index.docker.io/v1/", "docker.io", "index.docker.io"] as const;

/** Looks credentials up, reading each file and asking each helper at most once. */
export class CredentialStore {
  readonly #places: CredentialPlaces;
  readonly #found = new Map<string, Promise<Credential | undefined>>();
  #files: Promise<readonly { readonly name: string; readonly content: AuthFile }[]> | undefined;

  constructor(places: CredentialPlaces) {
    this.#places = places;
  }

  /**
   * Returns the credentials for a repository of a host, or undefined when there are none.
   * Hosts are compared whole, port included. The order is Docker's within a file (credHelpers, credsStore, auths), and between files
   * `DOCKER_AUTH_CONFIG`, podman's auth.json, Docker's config.json. In podman's file a key may be `HOST/PATH`; the longest that fits wins
   * (containers-auth.json(5)). Files and helpers that cannot be read count as having nothing, as docker and podman do.
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
      const credential = await findInFile(content, name, host, repository, this.#places.env);
      if (credential !== undefined) return credential;
    }
    return undefined;
  }

  async #readFiles(): Promise<readonly { readonly name: string; readonly content: AuthFile }[]> {
    const { env, home } = this.#places;
    const files: { readonly name: string; readonly content: AuthFile }[] = [];
    const inline = parseAuthFile(env["DOCKER_AUTH_CONFIG"]);
    // Docker reads nothing but `auths` from the variable.
    if (inline?.auths) files.push({ name: "DOCKER_AUTH_CONFIG", content: { auths: inline.auths } });
    for (const name of authFiles(env, home)) {
      const content = parseAuthFile(await readAuthFile(name));
      if (content !== undefined) files.push({ name, content });
    }
    return files;
  }
}

/** Lists the files of podman and docker, in the order in which podman looks (containers-auth.json(5)). */
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
  file: AuthFile,
  name: string,
  host: string,
  repository: string,
  env: CredentialPlaces["env"],
): Promise<Credential | undefined> {
  const hostKeys: readonly string[] = host === "docker.io" ? DOCKER_HUB_KEYS : [host];
  for (const key of hostKeys) {
    const helpers = file.credHelpers ?? {};
    const helper = Object.hasOwn(helpers, key) ? helpers[key] : undefined;
    const answer = helper ? await askCredentialHelper(helper, key, env) : undefined;
    if (answer !== undefined) return answer;
  }
  const stored = file.credsStore
    ? await askCredentialHelper(file.credsStore, hostKeys[0] ?? host, env)
    : undefined;
  if (stored !== undefined) return stored;

  const entries = Object.entries(file.auths ?? {}).map(([key, auth]) => ({ key: normalizeKey(key), auth }));
  for (const wanted of keysOf(host, repository)) {
    const entry = entries.find(({ key }) => key === wanted);
    const credential = entry && toCredential(entry.auth, name);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/** Lists `host/a/b`, `host/a`, `host`. */
function keysOf(host: string, repository: string): readonly string[] {
  const parts = [host, ...repository.split("/")];
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
}

/** Old Docker wrote URLs as keys: the scheme goes, and so does the path of an API version (ConvertToHostname of docker/cli). */
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
    return { kind: "password", user: auth.username, password: auth.password, from };
  const text = Buffer.from(auth.auth ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  // Docker pads the password with zero bytes.
  return {
    kind: "password",
    user: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ""),
    from,
  };
}
