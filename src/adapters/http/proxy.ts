// Which proxy of the environment stands before a URL.
import { BlockList, isIP } from "node:net";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy for the URL, or undefined when it is to be reached directly: HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case, lower
 * case first. As in Go's programs (golang.org/x/net/http/httpproxy), the machine itself is never reached through a proxy, and NO_PROXY
 * knows `*`, hosts with their subdomains, ports, addresses and CIDR ranges.
 */
export function proxyFor(url: URL, env: Env): string | undefined {
  const https = env["https_proxy"] || env["HTTPS_PROXY"];
  const proxy = url.protocol === "https:" ? https : env["http_proxy"] || env["HTTP_PROXY"];
  if (!proxy || isLoopback(url.hostname)) return undefined;
  const exceptions = (env["no_proxy"] || env["NO_PROXY"] || "")
    .split(/[,\s]+/)
    .filter((entry) => entry !== "");
  if (exceptions.some((entry) => isException(url, entry.toLowerCase()))) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
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
