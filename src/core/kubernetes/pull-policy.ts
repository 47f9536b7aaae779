// Finds and patches pull policies that make the kubelet contact a registry even if the image is on
// the node.
import { isAlias, isMap, isPair, isScalar, isSeq, type Document, type YAMLMap } from "yaml";
import { ViolaError } from "../../errors.js";
import { formatPath, isRecord, maps, textOf, type Path } from "../json.js";
import { findReference } from "../images/reference.js";
import { AS_KUBERNETES, parseYaml, toValue, UnusableYaml } from "../parse-yaml.js";
import { containers } from "./containers.js";

/** A field whose pull policy makes the kubelet contact a registry at every container start. */
export interface NetworkPull {
  /** Path of the policy field, which may be absent. */
  readonly path: Path;
  /** The image as written; empty when the map with the policy has no image. */
  readonly image: string;
  /**
   * Undefined when no policy is set and Kubernetes defaults to `Always` because the tag is
   * `latest`.
   */
  readonly policy: "Always" | undefined;
}

/** With this policy the kubelet uses an image that is on the node. */
const PATCHED = "IfNotPresent";
const POLICY_KEYS = ["imagePullPolicy", "pullPolicy"];

/**
 * Returns every such field in the body of an object: those of containers and image volumes of Pod
 * specs at any depth, and fields of custom resources that pass a policy to an operator. The default
 * policy is set by SetDefaults_Container in
 * https://github.com/kubernetes/kubernetes/blob/v1.30.2/pkg/apis/core/v1/defaults.go
 */
export function findNetworkPulls(body: Readonly<Record<string, unknown>>): readonly NetworkPull[] {
  if (body["kind"] === "CustomResourceDefinition") return [];
  const found = new Map<string, NetworkPull>();
  const add = (path: Path, image: string, policy: unknown): void => {
    const isDefault = policy === undefined || policy === null || policy === "";
    if (policy !== "Always" && !(isDefault && isLatest(image))) return;
    const key = formatPath(path);
    if (!found.has(key)) found.set(key, { path, image, policy: isDefault ? undefined : "Always" });
  };
  for (const { path, container } of containers(body)) {
    const image = textOf(container["image"]);
    if (image !== undefined) add([...path, "imagePullPolicy"], image, container["imagePullPolicy"]);
  }
  for (const { path, map } of maps(body)) {
    const volumes = Array.isArray(map["volumes"]) ? map["volumes"] : [];
    for (const [index, volume] of volumes.entries()) {
      const image: unknown = isRecord(volume) ? volume["image"] : undefined;
      const reference = isRecord(image) ? textOf(image["reference"]) : undefined;
      if (reference === undefined || !isRecord(image)) continue;
      add([...path, "volumes", index, "image", "pullPolicy"], reference, image["pullPolicy"]);
    }
    for (const key of POLICY_KEYS) {
      if (map[key] === "Always") add([...path, key], textOf(map["image"]) ?? "", "Always");
    }
  }
  return [...found.values()];
}

/**
 * Returns the rendered text with every such field set to IfNotPresent. All other bytes stay
 * unchanged.
 * Throws `INSTALL_FAILED` for a document that cannot be patched.
 */
export function patchPullPolicies(text: string): string {
  return text
    .split(/^(?=---(?:[ \t].*)?\r?$)/m)
    .map((document) => (/image|pullPolicy/i.test(document) ? patchDocument(document) : document))
    .join("");
}

function patchDocument(text: string): string {
  if (/^kind: ["']?CustomResourceDefinition["']?\s*$/m.test(text)) return text;
  const document = parse(text);
  const pulls = pullsIn(document);
  if (pulls.length === 0) return text;
  // With YAML aliases, several paths refer to the same position in the text.
  const byPlace = new Map(
    pulls.map(({ path }) => editFor(document, text, path)).map((edit) => [edit.at, edit]),
  );
  const edits = [...byPlace.values()].sort((one, other) => other.at - one.at);
  const patched = edits.reduce(
    (whole, { at, end, insert }) => whole.slice(0, at) + insert + whole.slice(end),
    text,
  );
  const [left] = pullsIn(parse(patched));
  if (left !== undefined) throw unpatchable(left.path);
  return patched;
}

function parse(text: string): Document.Parsed {
  return usable(() => parseYaml(text, AS_KUBERNETES));
}

function pullsIn(document: Document.Parsed): readonly NetworkPull[] {
  const body = usable(() => toValue(document));
  return isRecord(body) ? findNetworkPulls(body) : [];
}

function usable<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    throw new ViolaError("INSTALL_FAILED", `a rendered object ${cause.message}`, { subject: "helm", cause });
  }
}

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly insert: string;
}

/**
 * Replaces the policy if the field is present; otherwise inserts it as the first field of its map.
 */
function editFor(document: Document.Parsed, text: string, path: Path): Edit {
  const key = path.at(-1);
  const map = nodeAt(document, path.slice(0, -1));
  if (!isMap(map)) throw unpatchable(path);
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  const range = isScalar(pair?.value) ? pair.value.range : undefined;
  if (range && range[1] > range[0]) return { at: range[0], end: range[1], insert: PATCHED };
  const first = firstKey(map);
  if (pair !== undefined || first === undefined || typeof key !== "string") throw unpatchable(path);
  const indent = first - (text.lastIndexOf("\n", first - 1) + 1);
  const separator = map.flow === true ? ", " : `\n${" ".repeat(indent)}`;
  return { at: first, end: first, insert: `${key}: ${PATCHED}${separator}` };
}

/** Follows a path through maps, lists and aliases. */
function nodeAt(document: Document.Parsed, path: Path): unknown {
  let node: unknown = document.contents;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node) && typeof part === "number") node = node.items[part];
    else if (isMap(node)) node = node.get(part, true);
    else return undefined;
  }
  return isAlias(node) ? node.resolve(document) : node;
}

function firstKey(map: YAMLMap): number | undefined {
  const [pair] = map.items;
  return isPair(pair) && isScalar(pair.key) ? pair.key.range?.[0] : undefined;
}

/** True for an image whose default pull policy is `Always`. */
function isLatest(image: string): boolean {
  return findReference(image)?.tag === "latest";
}

function unpatchable(path: Path): ViolaError {
  return new ViolaError("INSTALL_FAILED", `the pull policy at ${formatPath(path)} cannot be patched`, {
    subject: formatPath(path),
    hint: "Set it to IfNotPresent in the chart's values.",
  });
}
