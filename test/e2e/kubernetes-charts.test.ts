// Charts made for the tests, on a small cluster. Each group documents what it leaves there.
import { afterAll, beforeAll, describe } from "vitest";
import { needs } from "../support/parts.js";
import { testAlwaysPull } from "./kubernetes/always-pull.js";
import { testPolicies } from "./kubernetes/install-policies.js";
import { testChartRehearsals } from "./kubernetes/rehearse-charts.js";
import { startCluster, type Cluster } from "./kubernetes/stage.js";

const describeAll = await needs("registries", "helm", "kube", "skopeo", "root");

describeAll("on a Kubernetes of two nodes", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  afterAll(() => cluster.close());

  describe("rehearse", () => {
    testChartRehearsals(() => cluster);
  });
  describe("a cluster where every image is pulled anew", () => {
    testAlwaysPull(() => cluster);
  });
  describe("a chart whose images would be pulled", () => {
    testPolicies(() => cluster);
  });
});
