// Loads a bundle in a process of its own, for tests that kill it: `load-once.ts BUNDLE CLUSTER`.
// Says `sending` when bytes flow.
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
