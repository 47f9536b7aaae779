// Addresses under which nodes reach the served bundle.
import type { ServedBundle } from "../bundle/bundle-server.js";

/** Returns the address under which a node at home in `client` finds the served bundle by this host. */
export function endpointOf(host: string, served: ServedBundle, client: string): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${served.port}${served.pathFor(client)}`;
}
