// Finds the proxy for a URL in the environment.
import { BlockList, isIP } from "node:net";
import { ViolaError } from "../../errors.js";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy for the URL, or undefined for a direct connection. Reads HTTP_PROXY,
 * HTTPS_PROXY and NO_PROXY; the variables in lower case take precedence. As in Go
 * (golang.org/x/net/http/httpproxy), this machine is never reached through a proxy, and NO_PROXY
 * supports `*`, hosts with their subdomains, ports, addresses and CIDR ranges.
 * Throws `SETTINGS_INVALID` for a proxy that is neither http:// nor https://.
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const scheme = url.protocol === "https:" ? "https" : "http";
  const variable = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`].find((name) => env[name]);
  const text = variable === undefined ? undefined : env[variable];
  if (variable === undefined || !text || isLoopback(url.hostname)) return undefined;
  const exceptions = (env["no_proxy"] || env["NO_PROXY"] || "")
    .split(/[,\s]+/)
    .filter((entry) => entry !== "");
  if (exceptions.some((entry) => isException(url, entry.toLowerCase()))) return undefined;
  return parseProxy(text.includes("://") ? text : `http://${text}`, variable, url);
}

function parseProxy(text: string, variable: string, url: URL): URL {
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol) && proxy.hostname !== "") return proxy;
  // The value may contain a password.
  const what = proxy === undefined ? "an invalid URL" : `a ${proxy.protocol}// proxy`;
  throw new ViolaError(
    "SETTINGS_INVALID",
    `${url.host} cannot be reached: ${variable} names ${what}, and only http:// and https:// proxies are supported`,
    {
      subject: variable,
      hint: `Set ${variable} to an http:// or https:// proxy, or add ${url.hostname} to NO_PROXY if it can be reached directly.`,
    },
  );
}

/** True for `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

function isException(url: URL, entry: string): boolean {
  if (entry === "*") return true;
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const [range = "", prefix] = entry.split("/");
  if (prefix !== undefined) return isInRange(hostname, range, Number(prefix));
  const [, name = entry, port] = /^(.+?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80"))) return false;
  const domain = name.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

function isInRange(address: string, range: string, prefix: number): boolean {
  const family = isIP(address);
  if (family === 0 || isIP(range) !== family || !Number.isInteger(prefix)) return false;
  const type = family === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  try {
    list.addSubnet(range, prefix, type);
  } catch {
    return false;
  }
  return list.check(address, type);
}
