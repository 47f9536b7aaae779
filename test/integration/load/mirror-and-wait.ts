// Configures a mirror on the only node of a cluster, prints a line, and waits to be killed:
// mirror-and-wait.ts CLUSTER ENDPOINT
import { kindTarget } from "./kind.js";

const { signal } = new AbortController();
const [cluster = "", endpoint = ""] = process.argv.slice(2);
const [node] = await kindTarget(cluster).findNodes(signal);
await node?.mirrorAll(endpoint, signal);
console.log("mirrored");
await new Promise((resolve) => setTimeout(resolve, 60_000));
