// Logins of the embedded registry: none, Basic, or bearer tokens that it issues itself.
// https://distribution.github.io/distribution/spec/auth/token/
import { randomUUID } from "node:crypto";
import type { RegistryRequest } from "./registry-requests.js";

/** The credentials, and the way to authenticate. */
export interface RegistryLogin {
  readonly scheme: "basic" | "bearer";
  readonly user: string;
  readonly password: string;
  /** With `bearer`: tokens for pulling need no password. */
  readonly anonymousPull?: boolean;
}

export interface Door {
  admits(request: RegistryRequest): boolean;
  /**
   * Returns the WWW-Authenticate header for an unauthorized request; `url` is that of the registry.
   */
  challenge(request: RegistryRequest, url: string): string;
  /** Returns the token for a request to the token endpoint, or undefined for a wrong password. */
  token(request: RegistryRequest): string | undefined;
}

/** Returns the rules of a login. Without a login, every request is authorized. */
export function createDoor(login: RegistryLogin | undefined): Door {
  const basic = Buffer.from(`${login?.user ?? ""}:${login?.password ?? ""}`).toString("base64");
  /** Whether each token may push. */
  const tokens = new Map<string, boolean>();
  return {
    admits: ({ headers, method }) => {
      if (login === undefined) return true;
      const [scheme = "", value = ""] = (headers.authorization ?? "").split(" ");
      if (scheme.toLowerCase() !== login.scheme) return false;
      if (login.scheme === "basic") return value === basic;
      const mayPush = tokens.get(value);
      return mayPush !== undefined && (mayPush || method === "GET" || method === "HEAD");
    },
    challenge: ({ repository }, url) =>
      login?.scheme === "basic"
        ? 'Basic realm="embedded"'
        : `Bearer realm="${url}/token",service="embedded",scope="repository:${repository}:pull"`,
    token: ({ headers }) => {
      const known = headers.authorization === `Basic ${basic}`;
      if (!known && (headers.authorization !== undefined || login?.anonymousPull !== true)) return undefined;
      const token = randomUUID();
      tokens.set(token, known);
      return token;
    },
  };
}
