// Addresses at which nodes reach the served bundle.
import type { ServedBundle } from "../bundle/bundle-server.js";

/** Returns the address of the served bundle on `host`, with the path of this client. */
export function endpointOf(host: string, served: ServedBundle, client: string): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${served.port}${served.pathFor(client)}`;
}
