// The state folder of the test environment, and the addresses that registries.sh writes to it.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Returns a path below the state folder: `$VIOLA_PARTS_HOME`, or `~/.cache/viola-parts`. */
export function partsPath(...names: string[]): string {
  return join(process.env["VIOLA_PARTS_HOME"] ?? join(homedir(), ".cache", "viola-parts"), ...names);
}

/** The three registries of registries.sh; addresses are HOST:PORT. */
export interface Registries {
  /** Plain HTTP without login. */
  readonly plain: string;
  /** TLS with the CA below, and a password. */
  readonly tls: string;
  /** Plain HTTP with bearer tokens: `public/…` without, other repositories with the password. */
  readonly bearer: string;
  readonly caFile: string;
  readonly user: string;
  readonly password: string;
}

/**
 * Returns the registries of `registries.sh up`, or undefined if it never ran. They may be stopped.
 */
export function readRegistries(): Registries | undefined {
  const file = partsPath("registries", "registries.env");
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  const value = (name: string): string =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  return {
    plain: value("VIOLA_PLAIN_REGISTRY"),
    tls: value("VIOLA_TLS_REGISTRY"),
    bearer: value("VIOLA_BEARER_REGISTRY"),
    caFile: value("VIOLA_REGISTRY_CA"),
    user: value("VIOLA_REGISTRY_USER"),
    password: value("VIOLA_REGISTRY_PASSWORD"),
  };
}
