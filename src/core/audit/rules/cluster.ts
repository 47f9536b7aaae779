// Rules about how a cluster takes the rendered objects.
import { formatBytes } from "../../format-bytes.js";
import { groupBy } from "../../group-by.js";
import { normalizeReference } from "../../images/reference.js";
import type { Inventory } from "../../bundle/inventory.js";
import { APPLY_LIMIT_BYTES } from "../../charts/apply-size.js";
import { findRemovedApi, type RemovedApi } from "./removed-apis.js";
import { firstOf } from "./first-of.js";
import type { Found, Rule } from "./rule.js";

type Api = NonNullable<Inventory["rendered"]>["apis"][number];

export const PULL_POLICY: Rule = {
  id: "pull-policy",
  severity: "warning",
  check: "A pull policy makes the kubelet contact a registry even if the image is on the node.",
  *find({ inventory }) {
    const pulls = inventory.rendered?.alwaysPulled ?? [];
    // A policy that is not beside an image is about the object.
    const subjectOf = ({ image, object }: (typeof pulls)[number]): string =>
      image === "" ? object : normalizeReference(image);
    for (const [subject, all] of groupBy(pulls, subjectOf)) {
      for (const [implied, some] of groupBy(all, (pull) => pull.implied)) {
        const objects = firstOf([...new Set(some.map(({ object }) => object))]);
        yield { kind: implied ? "pull-policy-implied" : "pull-policy", subject, values: { objects } };
      }
    }
  },
};

export const REMOVED_API: Rule = {
  id: "removed-api",
  severity: "error",
  check: "Objects use an API version that the target Kubernetes does not serve.",
  *find({ inventory: { kubeVersion, rendered } }) {
    for (const { api, entry } of agingApis(rendered?.apis ?? [])) {
      if (kubeVersion === undefined || !isRemovedIn(entry, kubeVersion)) continue;
      yield apiFound("removed-api", api, entry, { target: kubeVersion });
    }
  },
};

export const DEPRECATED_API: Rule = {
  id: "deprecated-api",
  severity: "warning",
  check: "Objects use an API version that newer releases of Kubernetes do not serve.",
  *find({ inventory: { kubeVersion, rendered } }) {
    for (const { api, entry } of agingApis(rendered?.apis ?? [])) {
      if (kubeVersion !== undefined && isRemovedIn(entry, kubeVersion)) continue;
      yield apiFound("deprecated-api", api, entry, {});
    }
  },
};

export const LARGE_DEFINITION: Rule = {
  id: "large-definition",
  severity: "note",
  check: "A CustomResourceDefinition is too large for kubectl apply.",
  *find({ inventory: { rendered } }) {
    for (const { object, bytes } of rendered?.largeDefinitions ?? []) {
      yield {
        kind: "large-definition",
        subject: object,
        values: { size: formatBytes(bytes), limit: formatBytes(APPLY_LIMIT_BYTES) },
      };
    }
  },
};

function* agingApis(apis: readonly Api[]): Iterable<{ readonly api: Api; readonly entry: RemovedApi }> {
  for (const api of apis) {
    const entry = findRemovedApi(api.apiVersion, api.kind);
    if (entry !== undefined) yield { api, entry };
  }
}

function apiFound(
  kind: "removed-api" | "deprecated-api",
  api: Api,
  { removed, replacement }: RemovedApi,
  more: Found["values"],
): Found {
  const name = `${api.apiVersion} ${api.kind}`;
  const values = { count: api.objects, api: name, removed, replacement, first: api.first, ...more };
  return { kind, subject: name, values };
}

/** Compares `MAJOR.MINOR`; the target is a version such as `v1.30.2`. */
function isRemovedIn({ removed }: RemovedApi, target: string): boolean {
  const numbers = (text: string): readonly number[] => text.replace(/^v/, "").split(".").map(Number);
  const [major = 0, minor = 0] = numbers(removed);
  const [targetMajor = 0, targetMinor = 0] = numbers(target.replace(/[-+].*/, ""));
  return targetMajor > major || (targetMajor === major && targetMinor >= minor);
}
