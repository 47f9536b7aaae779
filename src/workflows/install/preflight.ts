// Checks an installation before anything is applied: the images that it would start, and every
// blocker.
import { countOf } from "../../core/count-of.js";
import { satisfies, validRange } from "semver";
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import { findImages } from "../../core/finding/find-images.js";
import { isTestHook } from "../../core/charts/hooks.js";
import type { ImageUse } from "../../core/images/image-use.js";
import { formatPath } from "../../core/json.js";
import { neededImages } from "../../core/install/missing-images.js";
import { findNetworkPulls } from "../../core/kubernetes/pull-policy.js";
import { settleAll } from "../../errors.js";
import type { Run } from "../progress.js";
import { refuseMissing } from "./image-presence.js";
import type {
  ExtractedBundle,
  ExtractedRelease,
  InstallBlocker,
  InstallOptions,
  InstallPorts,
} from "./types.js";
import { renderReleases } from "./render-releases.js";

/** The result of the checks. */
export interface Preflight {
  readonly refusals: readonly InstallBlocker[];
  /** Images of Pods that keep running, without those of hooks, as `ImageUse.normalized`. */
  readonly stayingImages: readonly string[];
  /** Releases whose pull policies are patched. */
  readonly patched: ReadonlySet<InventoryRelease>;
}

const INSTALL_HOOK = /^(?:pre|post)-(?:install|upgrade)$/;

/**
 * Renders the charts and queries the cluster and its nodes. Changes nothing. Throws the errors of
 * rendering and of the queries.
 */
export async function checkInstall(
  run: Run,
  bundle: ExtractedBundle,
  options: InstallOptions,
  ports: InstallPorts,
): Promise<Preflight> {
  const { progress } = run;
  const { inventory, releases, facts } = bundle;
  progress({ kind: "started", step: "guard", title: "Checking before anything is applied" });
  const versions = refuseVersions(releases, facts.version);
  if (versions.length > 0) return { refusals: versions, stayingImages: [], patched: new Set() };

  const rendered = await renderReleases(run, bundle, options, ports);
  const operators = await ports.loadOperators();
  const find = (objects: readonly RenderedObject[]): readonly ImageUse[] =>
    neededImages(findImages(objects, { operators }).images, options.allowedMissing);
  const objects = rendered.flatMap((one) => one.objects);
  const needed = find(objects);

  const [missing, pulling] = await settleAll("the cluster could not be queried", [
    refuseMissing(run, { needed, inventory }, options, ports),
    refuseAlwaysPulls(run, releases, options, ports),
  ]);
  const patched = new Set<InventoryRelease>();
  const policies = rendered.flatMap(({ release, objects: rendering }) => {
    const pulls = rendering.flatMap(pullsOf);
    const where = [...new Set(pulls.map(({ object }) => object))].join(", ");
    if (pulls.length > 0 && options.registry !== undefined) {
      const message = `${release.name}: ${where} will pull from ${options.registry.name} at every start`;
      progress({ kind: "note", message });
      return [];
    }
    const refused = pulls.filter(
      ({ isHook }) => !options.isPatching || (isHook && !ports.releases.patchesHooks),
    );
    if (pulls.length > 0 && refused.length === 0) {
      patched.add(release);
      progress({ kind: "note", message: `${release.name}: pull policies set to IfNotPresent in ${where}` });
    }
    return refused.map((pull) => refusePolicy(pull, options));
  });
  const refusals = [...missing, ...pulling, ...policies];
  progress({
    kind: "ended",
    step: "guard",
    summary: `${countOf(needed.length, "image")} needed, ${countOf(refusals.length, "problem")} found`,
  });
  const staying = find(objects.filter(({ hooks }) => hooks.length === 0)).map(({ normalized }) => normalized);
  return { refusals, stayingImages: staying, patched };
}

/**
 * Compares as Helm does: `v1.30.2-gke.100` counts as the version that it is built on. A range that
 * cannot be parsed is left to Helm.
 */
function refuseVersions(releases: readonly ExtractedRelease[], version: string): readonly InstallBlocker[] {
  return releases.flatMap(({ release: { name, chart } }) => {
    const range = chart.kubeVersion?.replaceAll(",", " ");
    if (range === undefined || validRange(range) === null) return [];
    if (satisfies(version, range, { includePrerelease: true, loose: true })) return [];
    const message = `chart ${chart.name}-${chart.version} requires Kubernetes ${chart.kubeVersion ?? ""}, but the cluster runs ${version}`;
    return [
      {
        code: "kube-version",
        subject: name,
        message,
        hint: "Use a chart for this version of Kubernetes, or upgrade the cluster.",
      },
    ];
  });
}

async function refuseAlwaysPulls(
  { signal, progress }: Run,
  [first]: readonly ExtractedRelease[],
  { registry }: InstallOptions,
  { cluster }: InstallPorts,
): Promise<readonly InstallBlocker[]> {
  if (first === undefined) return [];
  const { namespace } = first.release;
  const isThere = (await cluster.namespacePhase(namespace, signal)) !== undefined;
  const pulls = await cluster.alwaysPulls(isThere ? namespace : "default", signal);
  if (pulls === undefined) {
    progress({
      kind: "note",
      message:
        "the cluster rejected a dry-run Pod, so it is unknown whether it has the AlwaysPullImages admission controller",
    });
  }
  if (pulls !== true) return [];
  const message = `cluster ${cluster.context} has the AlwaysPullImages admission controller: every Pod pulls its images from a registry, even if the node has them`;
  if (registry !== undefined) {
    progress({
      kind: "note",
      message: `${message}; ${registry.name} must be reachable whenever a Pod starts`,
    });
    return [];
  }
  const hint =
    "Remove AlwaysPullImages from --enable-admission-plugins of the API server, or let the nodes pull from a registry: load BUNDLE --to registry://HOST --settings FOLDER --install";
  return [{ code: "always-pull-images", subject: cluster.context, message, hint }];
}

interface ObjectPull {
  readonly object: string;
  readonly path: string;
  readonly image: string;
  readonly policy: "Always" | undefined;
  readonly isHook: boolean;
}

function pullsOf(object: RenderedObject): readonly ObjectPull[] {
  if (isTestHook(object)) return [];
  const isHook = object.hooks.some((hook) => INSTALL_HOOK.test(hook));
  // An installation does not run the hooks of other events.
  if (object.hooks.length > 0 && !isHook) return [];
  return findNetworkPulls(object.body).map(({ path, image, policy }) => ({
    object: `${object.kind} ${object.name}`,
    path: formatPath(path),
    image,
    policy,
    isHook,
  }));
}

function refusePolicy(
  { object, path, image, policy, isHook }: ObjectPull,
  { isPatching }: InstallOptions,
): InstallBlocker {
  const what = policy === "Always" ? "is Always" : "is not set, and the tag is latest";
  const which = image === "" ? "" : ` for ${image}`;
  return {
    code: "pull-policy",
    subject: object,
    message: `${object}: ${path} ${what}, so the node would pull from a registry${which}`,
    hint:
      isPatching && isHook
        ? "Helm 3 cannot patch hooks. Set the policy to IfNotPresent in the chart's values, or use Helm 4."
        : "Set the policy to IfNotPresent in the chart's values, or install without --no-patch.",
  };
}
