// Loads a bundle in a separate process, for tests that kill it: `load-once.ts BUNDLE CLUSTER`.
// Prints `sending` when the transfer has started.
import { openBundle } from "../../../src/adapters/bundle-file/open-bundle.js";
import { loadBundle } from "../../../src/workflows/load/nodes.js";
import { kindTarget, loadPorts } from "./kind.js";
import { workflowRun } from "../../support/workflow-run.js";

const [file = "", cluster = ""] = process.argv.slice(2);
const run = workflowRun({
  progress: (event) => {
    if (event.kind === "advanced" && event.step === "load") process.stdout.write("sending\n");
  },
});
await loadBundle(run, await openBundle(file), { target: kindTarget(cluster) }, loadPorts());
