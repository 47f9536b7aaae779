// The first user's stack on a cluster of four nodes, because starting it takes longer than most of
// these tests. Each group documents what it leaves there.
import { afterAll, beforeAll, describe } from "vitest";
import { needs } from "../support/parts.js";
import { testInstall } from "./kubernetes/install.js";
import { testLoadShInstall } from "./kubernetes/load-sh-install.js";
import { testStackRehearsal } from "./kubernetes/rehearse-stack.js";
import { setStage, type Stage } from "./kubernetes/stage.js";

const describeAll = await needs("registries", "helm", "kube", "skopeo", "root");

describeAll("on a Kubernetes", () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.close());

  describe("rehearse", () => {
    testStackRehearsal(() => stage);
  });
  describe("install", () => {
    testInstall(() => stage);
  });
  describe("load.sh --install", () => {
    testLoadShInstall(() => stage);
  });
});
