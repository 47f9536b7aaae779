// Who the embedded registry lets in: nobody is asked, or Basic, or bearer tokens that it hands out itself.
// https://distribution.github.io/distribution/spec/auth/token/
import { randomUUID } from "node:crypto";
import type { RegistryRequest } from "./registry-requests.js";

/** Who may come in, and how they are asked to show it. */
export interface RegistryLogin {
  readonly scheme: "basic" | "bearer";
  readonly user: string;
  readonly password: string;
  /** With `bearer`: a token for pulling needs no password. */
  readonly anonymousPull?: boolean;
}

export interface Door {
  admits(request: RegistryRequest): boolean;
  /** The WWW-Authenticate header for a request that is not admitted, from the registry at `url`. */
  challenge(request: RegistryRequest, url: string): string;
  /** The token that a request to the token endpoint gets; undefined: wrong password. */
  token(request: RegistryRequest): string | undefined;
}

/** Returns the rules of a login; without one everybody is admitted. */
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
