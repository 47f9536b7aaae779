// The token server of the bearer-token registry. It signs JWTs that the registry verifies.
// https://distribution.github.io/distribution/spec/auth/token/ and ../auth/jwt/
import { createHash, createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    certificate: { type: "string", default: "" },
    key: { type: "string", default: "" },
    user: { type: "string", default: "" },
    password: { type: "string", default: "" },
  },
});

const certificate = new X509Certificate(readFileSync(values.certificate));
const key = createPrivateKey(readFileSync(values.key));
const LIFETIME_SECONDS = 300;

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Parses `repository:NAME:ACTION[,ACTION]`. A name may contain colons (host:port/name). */
function readScope(scope: string): Access {
  const [type = "", ...rest] = scope.split(":");
  const actions = rest.pop() ?? "";
  return { type, name: rest.join(":"), actions: actions.split(",").filter((action) => action !== "") };
}

/** Returns the granted actions: all for a known user, otherwise only pulling from `public/…`. */
function granted(access: Access, known: boolean): Access {
  if (known) return access;
  const open = access.type === "repository" && access.name.startsWith("public/");
  return { ...access, actions: open ? access.actions.filter((action) => action === "pull") : [] };
}

function token(service: string, subject: string, access: readonly Access[]): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "RS256", x5c: [certificate.raw.toString("base64")] };
  const claims = {
    iss: "viola-parts",
    sub: subject,
    aud: service,
    exp: now + LIFETIME_SECONDS,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access,
  };
  const content = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${content}.${sign("RSA-SHA256", Buffer.from(content), key).toString("base64url")}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

interface TokenRequest {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly service: string;
  readonly scopes: readonly string[];
}

/**
 * Parses both kinds of request: GET with Basic, and POST with a form, which containerd tries first.
 */
async function readRequest(request: IncomingMessage): Promise<TokenRequest> {
  if (request.method === "POST") {
    const form = new URLSearchParams(await bodyOf(request));
    const text = (name: string): string | undefined => form.get(name) ?? undefined;
    return {
      user: text("username"),
      password: text("password"),
      service: text("service") ?? "",
      scopes: (text("scope") ?? "").split(" "),
    };
  }
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const [user, ...password] = basic === undefined ? [] : Buffer.from(basic, "base64").toString().split(":");
  return {
    user,
    password: user === undefined ? undefined : password.join(":"),
    service: query.get("service") ?? "",
    scopes: query.getAll("scope").flatMap((scope) => scope.split(" ")),
  };
}

const sameText = (one: string, other: string): boolean =>
  createHash("sha256").update(one).digest("hex") === createHash("sha256").update(other).digest("hex");

const server = createServer((request, response) => {
  void readRequest(request).then(({ user, password, service, scopes }) => {
    const known = user !== undefined && user === values.user && sameText(password ?? "", values.password);
    if (user !== undefined && !known) {
      response.writeHead(401, { "content-type": "application/json" });
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}');
      return;
    }
    const access = scopes.filter((scope) => scope !== "").map((scope) => granted(readScope(scope), known));
    const jwt = token(service, known ? user : "", access);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token: jwt, access_token: jwt, expires_in: LIFETIME_SECONDS }));
  });
}).listen(Number(values.port), "127.0.0.1", () => {
  // If no port is given, the kernel chooses one. The parent process reads it from stdout.
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`);
});
