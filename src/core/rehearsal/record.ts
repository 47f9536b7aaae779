// The record of a rehearsal: what was seen, in a file that travels; and what has changed since.
import { z } from "zod";
import { ViolaError } from "../../errors.js";
import type { Inventory } from "../bundle/inventory.js";
import type { Evidence, FindingWarning, ImageUse } from "../images/image-use.js";
import {
  formatReference,
  isNormalized,
  nodeNames,
  parseReference,
  type NormalizedReference,
} from "../images/reference.js";
import { DIGEST_SCHEMA, digestFromHex, digestOf } from "../oci/digest.js";
import { parseJson } from "../parse-json.js";
import { originOf } from "./verdict.js";

export const RECORD_VERSION = 1;

const text = z.string();
const digest = DIGEST_SCHEMA;
const normalized = text.refine(isNormalized, "must be a full image reference");

/** What a release was given, without saying it: values may be secret. */
const values = z.object({
  /** Digests of the values files, later ones win. */
  files: z.array(digest).readonly(),
  /** Keys of `--set`, in order, each with the digest of the whole expression. */
  set: z.array(z.object({ key: text, digest }).readonly()).readonly(),
});

const release = z.object({
  name: text,
  namespace: text,
  /** `NAME-VERSION` */
  chart: text,
  /** Of the packaged chart. */
  chartDigest: digest,
  values: values.readonly(),
  /** Pods that ran and were ready, of those that should. */
  ready: z.int(),
  pods: z.int(),
  /** What Helm said of a failure. */
  message: text.optional(),
});

const RECORD_SCHEMA = z.object({
  formatVersion: z.literal(RECORD_VERSION),
  /** ISO 8601, in UTC. */
  date: z.iso.datetime(),
  /** `NAME VERSION` */
  bundle: text,
  bundleDigest: digest,
  /** Digest of the spec's text. */
  spec: digest,
  kubeVersion: text,
  /** Versions of containerd on the nodes. */
  containerd: z.array(text).readonly(),
  outcome: z.enum(["complete", "missing", "not-ready"]),
  releases: z.array(release.readonly()).readonly(),
  asked: z.array(z.object({ normalized, digest, usedBy: z.array(text).readonly() }).readonly()).readonly(),
  missing: z
    .array(
      z
        .object({
          normalized,
          usedBy: z.array(text).readonly(),
          owners: z.array(text).readonly(),
          pod: text.optional(),
          operator: text.optional(),
        })
        .readonly(),
    )
    .readonly(),
  unused: z.array(z.object({ normalized }).readonly()).readonly(),
});

/** What readers of a record rely on; it may hold more. */
export type RehearsalRecord = z.infer<typeof RECORD_SCHEMA>;
export type RehearsedRelease = RehearsalRecord["releases"][number];
export type RehearsedValues = RehearsedRelease["values"];

/** Reads a record. Throws `RECORD_INVALID`, with the path of each field that is wrong, ten at most, for a file that `rehearse --out` did not write. */
export function parseRecord(content: string, file: string): RehearsalRecord {
  return parseJson(content, RECORD_SCHEMA, (what, cause) => invalid(file, what, cause));
}

function invalid(file: string, what: string, cause?: unknown): ViolaError {
  return new ViolaError("RECORD_INVALID", `${file} is no record of a rehearsal: ${what}`, {
    subject: file,
    hint: "Write one with: viola-airgap rehearse … --out FILE",
    cause,
  });
}

/** Returns the images, those that were asked for in the rehearsal with evidence of it. */
export function withRehearsal(
  images: readonly ImageUse[],
  record: RehearsalRecord | undefined,
): readonly ImageUse[] {
  if (record === undefined) return images;
  const evidence = new Map<string, readonly Evidence[]>();
  for (const { normalized, usedBy } of record.asked) {
    evidence.set(nameOf(normalized), evidenceOf(normalized, usedBy, record));
  }
  for (const one of record.missing) {
    evidence.set(nameOf(one.normalized), evidenceOf(one.normalized, [originOf(one)], record));
  }
  return images.map((use) => ({
    ...use,
    evidence: [...use.evidence, ...(evidence.get(nameOf(use.normalized)) ?? [])],
  }));
}

function evidenceOf(
  normalized: string,
  usedBy: readonly string[],
  { date, kubeVersion }: RehearsalRecord,
): readonly Evidence[] {
  const because = `asked for in a rehearsal on ${date.slice(0, 10)} (Kubernetes ${kubeVersion})`;
  const objects = usedBy.length === 0 ? [""] : usedBy;
  return objects.map((object) => ({
    rule: "rehearsed",
    chart: "",
    template: "",
    object,
    path: "",
    value: normalized,
    because,
  }));
}

/** The name by which a node would ask for it. */
function nameOf(normalized: string): string {
  const reference = parseReference(normalized);
  return nodeNames(reference).at(-1) ?? formatReference(reference);
}

/** What is to be installed, as far as a rehearsal knows it. */
export interface Rehearsable {
  readonly kubeVersion?: string;
  readonly releases: readonly Pick<
    RehearsedRelease,
    "name" | "namespace" | "chart" | "chartDigest" | "values"
  >[];
  readonly images: readonly { readonly normalized: NormalizedReference; readonly digest: string }[];
}

/** What a person gives besides the values of the bundle. */
export interface GivenValues {
  /** Contents of values files, later ones win. */
  readonly files: readonly Uint8Array[];
  /** `--set` expressions. */
  readonly set: readonly string[];
}

/** Returns what an inventory holds, installed with these values on a cluster of this version. */
export function rehearsableOf(
  {
    releases,
    files,
    images,
  }: Pick<Inventory, "releases"> &
    Pick<Rehearsable, "images"> & {
      readonly files: readonly { readonly path: string; readonly sha256: string }[];
    },
  kubeVersion: string | undefined,
  given: GivenValues = { files: [], set: [] },
): Rehearsable {
  const own = new Map(files.map(({ path, sha256 }) => [path, digestFromHex(sha256)]));
  const added = given.files.map(digestOf);
  const set = given.set.map((expression) => ({
    key: expression.replace(/=.*/s, ""),
    digest: digestOf(expression),
  }));
  return {
    ...(kubeVersion !== undefined && { kubeVersion }),
    releases: releases.map(({ name, namespace, chart, sha256, values: paths }) => ({
      name,
      namespace,
      chart: `${chart.name}-${chart.version}`,
      chartDigest: digestFromHex(sha256),
      values: { files: [...paths.flatMap((path) => own.get(path) ?? []), ...added], set },
    })),
    images,
  };
}

/** Says in what this differs from what was rehearsed, a line for each thing. */
export function differencesFrom(record: RehearsalRecord, now: Rehearsable): readonly string[] {
  return [...compareCluster(record, now), ...compareReleases(record, now), ...compareImages(record, now)];
}

/** Patch releases of Kubernetes neither add APIs nor take any away. https://kubernetes.io/releases/version-skew-policy/ */
function* compareCluster({ kubeVersion }: RehearsalRecord, now: Rehearsable): Iterable<string> {
  if (now.kubeVersion === undefined || minorOf(now.kubeVersion) === minorOf(kubeVersion)) return;
  yield `Kubernetes ${now.kubeVersion}, rehearsed on ${kubeVersion}`;
}

function minorOf(version: string): string {
  return /^v?(\d+\.\d+)/.exec(version)?.[1] ?? version;
}

function* compareReleases(record: RehearsalRecord, { releases }: Rehearsable): Iterable<string> {
  for (const { name, namespace, chart, chartDigest, values } of releases) {
    const then = record.releases.find((one) => one.name === name && one.namespace === namespace);
    if (then === undefined) {
      yield `release ${name} in namespace ${namespace} was not rehearsed`;
      continue;
    }
    if (then.chartDigest !== chartDigest) {
      yield then.chart === chart
        ? `release ${name}: chart ${chart} has other content than the one rehearsed`
        : `release ${name}: chart ${chart}, rehearsed was ${then.chart}`;
    }
    for (const what of compareValues(then.values, values)) yield `release ${name}: ${what}`;
  }
}

function* compareValues(then: RehearsedValues, now: RehearsedValues): Iterable<string> {
  const isOther = (one: readonly string[], other: readonly string[]): boolean =>
    one.length !== other.length || one.some((entry, index) => entry !== other[index]);
  const added = now.files.filter((file) => !then.files.includes(file)).length;
  const missing = then.files.filter((file) => !now.files.includes(file)).length;
  if (added > 0) yield `${count(added, "values file was", "values files were")} not rehearsed`;
  if (missing > 0) yield `${count(missing, "values file", "values files")} of the rehearsal not given`;
  if (added + missing === 0 && isOther(then.files, now.files)) yield "values files in another order";
  const digests = ({ set }: RehearsedValues): readonly string[] => set.map((one) => one.digest);
  if (!isOther(digests(then), digests(now))) return;
  const keys = (from: RehearsedValues, against: RehearsedValues): readonly string[] =>
    from.set.filter((one) => !digests(against).includes(one.digest)).map(({ key }) => key);
  const changed = [...new Set([...keys(now, then), ...keys(then, now)])].sort();
  yield changed.length === 0 ? "--set in another order" : `other --set of ${changed.join(", ")}`;
}

function* compareImages(record: RehearsalRecord, { images }: Rehearsable): Iterable<string> {
  const asked = new Map(record.asked.map((one) => [nameOf(one.normalized), one.digest]));
  const seen = new Set([...record.missing, ...record.unused].map(({ normalized }) => nameOf(normalized)));
  for (const { normalized, digest: now } of images) {
    const name = nameOf(normalized);
    const then = asked.get(name);
    if (then === undefined) {
      if (!seen.has(name)) yield `${normalized} was not among what was rehearsed`;
    } else if (then !== now) yield `${normalized} is ${now}, rehearsed was ${then}`;
  }
}

/** Returns what was asked for in the rehearsal and is still not there. */
export function stillMissing(
  { missing }: RehearsalRecord,
  images: readonly Pick<ImageUse, "normalized">[],
): readonly string[] {
  const there = new Set(images.map(({ normalized }) => nameOf(normalized)));
  return missing.map(({ normalized }) => normalized).filter((one) => !there.has(nameOf(one)));
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Warns of what was asked for in the rehearsal and is not among the images: the list is incomplete. */
export function missingWarnings(
  record: RehearsalRecord,
  images: readonly Pick<ImageUse, "normalized">[],
): readonly FindingWarning[] {
  return stillMissing(record, images).map((image) => ({
    code: "rehearsal-missing",
    message: `${image} was asked for in the rehearsal and does not come along`,
    images: [image],
    incomplete: true,
  }));
}

/** Says as warnings in what a build differs from what was rehearsed, and what the rehearsal missed and this build does, too. */
export function rehearsalWarnings(record: RehearsalRecord, now: Rehearsable): readonly FindingWarning[] {
  const different = differencesFrom(record, now).map((message) => ({
    code: "rehearsal-differs",
    message,
    incomplete: false,
  }));
  return [...missingWarnings(record, now.images), ...different];
}
