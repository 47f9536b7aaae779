// From what a rehearsal saw of an operator that nobody knows, a first entry for the knowledge base, for a person to review.
import { coerce } from "semver";
import { stringify } from "yaml";
import type { Inventory } from "../bundle/inventory.js";
import { findReference, formatReference, type Reference } from "../images/reference.js";
import { originOf, type MissingInRehearsal } from "./verdict.js";

/** An entry for `manifests/operators/ID.yaml`. */
export interface OperatorDraft {
  readonly id: string;
  readonly yaml: string;
}

/** When and where the rehearsal was. */
export interface Occasion {
  readonly kubeVersion: string;
  /** ISO 8601 */
  readonly date: string;
}

/**
 * Drafts an entry for each operator behind images that were missing, where the bundle has operators of which nothing is known. Rules that are
 * there already would have found what theirs start.
 */
export function draftOperators(
  inventory: Pick<Inventory, "name" | "version" | "warnings">,
  missing: readonly MissingInRehearsal[],
  occasion: Occasion,
): readonly OperatorDraft[] {
  const unknown = inventory.warnings
    .filter(({ code }) => code === "unknown-operator")
    .flatMap(({ images = [], object = "" }) => images.map((image) => ({ image, object })));
  if (unknown.length === 0) return [];
  const groups = new Map<string, MissingInRehearsal[]>();
  for (const one of missing) {
    // What no custom resource and no program of its own stands behind, no operator has started.
    if (one.operator === undefined && one.resource === undefined) continue;
    const key = one.operator ?? one.resource?.group ?? "";
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups].map(([maker, started]) => {
    const likely = unknown.filter(({ image, object }) => `${image} ${object}`.includes(maker));
    const candidates = likely.length > 0 ? likely : unknown;
    return draft({ maker, started, candidates }, inventory, occasion);
  });
}

/** What one operator started, and the workloads that may be it, likeliest first. */
interface UnknownOperator {
  readonly maker: string;
  readonly started: readonly MissingInRehearsal[];
  readonly candidates: readonly { readonly image: string; readonly object: string }[];
}

function draft(
  { maker, started, candidates }: UnknownOperator,
  { name, version }: Pick<Inventory, "name" | "version">,
  { kubeVersion, date }: Occasion,
): OperatorDraft {
  const [first] = candidates;
  const operator = findReference(first?.image ?? "");
  const id = idOf(operator?.repository ?? maker);
  const entry = {
    id,
    name: maker,
    sources: [
      `a rehearsal of ${name} ${version} on ${date.slice(0, 10)}, Kubernetes ${kubeVersion}`,
      ...started.map((one) => `${one.normalized} for ${originOf(one)}`),
    ],
    repository: operator?.repository ?? maker,
    releases: [{ tags: coerce(operator?.tag)?.version ?? "*" }],
    images: started.map(({ normalized, resource }) => ({
      reference: referenceOf(normalized, operator),
      ...(resource !== undefined && { when: [resource] }),
    })),
  };
  const others = candidates.slice(1).map(({ image, object }) => `# or is it ${image} (${object})?`);
  const lines = [
    `# What ${maker} starts, as a rehearsal saw it: look it up in its sources, name them, and widen \`tags\` to what they hold for.`,
    ...others,
    stringify(entry, { lineWidth: 0 }).trimEnd(),
  ];
  return { id, yaml: `${lines.join("\n")}\n` };
}

/** The last part of a repository, or whatever it is, as an id. */
function idOf(repository: string): string {
  const last = repository.split("/").at(-1) ?? "";
  return last.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-") || "operator";
}

/** As the knowledge base writes it: Docker Hub goes without saying, and so does a tag that is the operator's own. */
function referenceOf(normalized: string, operator: Reference | undefined): string {
  const reference = findReference(normalized);
  if (reference === undefined) return normalized;
  const { registry, repository, tag } = reference;
  const place = registry === "docker.io" ? repository : `${registry}/${repository}`;
  if (tag !== undefined && tag === operator?.tag && reference.digest === undefined) {
    return `${place}:{operator.tag}`;
  }
  return formatReference(reference).replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, "");
}
