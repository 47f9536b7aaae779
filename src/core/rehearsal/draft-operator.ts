// Drafts an entry of the knowledge base, for review by a person, from what a rehearsal observed of
// an unknown operator.
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

/** Date and Kubernetes version of the rehearsal. */
export interface Occasion {
  readonly kubeVersion: string;
  /** ISO 8601 */
  readonly date: string;
}

/**
 * Drafts an entry for each operator that started missing images. Returns nothing when the bundle
 * has no unknown operator, because the rules of known operators already find their images.
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
    // Without an operator or a custom resource among its owners, the image was not started by an
    // operator.
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
  const others = candidates.slice(1).map(({ image, object }) => `# Other candidate: ${image} (${object})`);
  const lines = [
    `# Images that ${maker} started in a rehearsal. Verify them in its source code, list the files in \`sources\`, and extend \`tags\` to the versions that they apply to.`,
    ...others,
    stringify(entry, { lineWidth: 0 }).trimEnd(),
  ];
  return { id, yaml: `${lines.join("\n")}\n` };
}

/** Returns the last path component of a repository as an id. */
function idOf(repository: string): string {
  const last = repository.split("/").at(-1) ?? "";
  return last.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-") || "operator";
}

/**
 * Returns the reference in the form of the knowledge base: without `docker.io`, and with a
 * placeholder for the operator's tag.
 */
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
