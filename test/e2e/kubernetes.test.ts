// Installations on one Kubernetes cluster, because starting it takes longer than most of these
// tests. Each group documents what it leaves there.
import { afterAll, beforeAll, describe } from "vitest";
import { needs } from "../support/parts.js";
import { testInstall } from "./kubernetes/install.js";
import { testPolicies } from "./kubernetes/install-policies.js";
import { testLoadShInstall } from "./kubernetes/load-sh-install.js";
import { setStage, type Stage } from "./kubernetes/stage.js";

const describeAll = await needs("registries", "helm", "kube", "skopeo", "root");

describeAll("on a Kubernetes", () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.close());

  describe("install", () => {
    testInstall(() => stage);
  });
  describe("load.sh --install", () => {
    testLoadShInstall(() => stage);
  });
  describe("a chart whose images would be pulled", () => {
    testPolicies(() => stage);
  });
});
