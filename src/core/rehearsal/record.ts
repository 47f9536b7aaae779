// The record of a rehearsal, which is stored in a file, and the differences between a record and a
// later state.
import * as z from "zod";
import { ViolaError } from "../../errors.js";
import type { Inventory } from "../bundle/inventory.js";
import { countOf } from "../count-of.js";
import type { Evidence, FindingWarning, ImageUse } from "../images/image-use.js";
import { isNormalized, kubeletName, parseReference, type NormalizedReference } from "../images/reference.js";
import { DIGEST_SCHEMA, digestFromHex, digestOf } from "../oci/digest.js";
import { parseJson } from "../parse-json.js";
import { originOf } from "./verdict.js";

export const RECORD_VERSION = 1;

const text = z.string();
const digest = DIGEST_SCHEMA;
const normalized = text.refine(isNormalized, "must be a full image reference");

/** The values of a release, as digests because values may be secret. */
const values = z.object({
  /** Digests of the values files, in order of increasing precedence. */
  files: z.array(digest).readonly(),
  /** Keys of the `--set` expressions in order, each with the digest of the whole expression. */
  set: z.array(z.object({ key: text, digest }).readonly()).readonly(),
});

const release = z.object({
  name: text,
  namespace: text,
  /** `NAME-VERSION` */
  chart: text,
  /** Digest of the packaged chart. */
  chartDigest: digest,
  values: values.readonly(),
  /** Number of Pods that were Running and Ready, out of `pods`. */
  ready: z.int(),
  pods: z.int(),
  /** The error message of Helm, if the installation failed. */
  message: text.optional(),
});

const RECORD_SCHEMA = z.object({
  formatVersion: z.literal(RECORD_VERSION),
  /** ISO 8601, in UTC. */
  date: z.iso.datetime(),
  /** `NAME VERSION` */
  bundle: text,
  bundleDigest: digest,
  /** Digest of the text of the spec. */
  spec: digest,
  kubeVersion: text,
  /** The containerd versions of the nodes. */
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

/** The fields of a record that readers may rely on. A record may have additional fields. */
export type RehearsalRecord = z.infer<typeof RECORD_SCHEMA>;
export type RehearsedRelease = RehearsalRecord["releases"][number];
export type RehearsedValues = RehearsedRelease["values"];

/**
 * Parses a record. Throws `RECORD_INVALID`, with the paths of up to ten invalid fields, when
 * `rehearse --out` did not write the file.
 */
export function parseRecord(content: string, file: string): RehearsalRecord {
  return parseJson(content, RECORD_SCHEMA, (what, cause) => invalid(file, what, cause));
}

function invalid(file: string, what: string, cause?: unknown): ViolaError {
  return new ViolaError("RECORD_INVALID", `${file} is not a rehearsal record: ${what}`, {
    subject: file,
    hint: "Create one with: viola-airgap rehearse … --out FILE",
    cause,
  });
}

/** Returns the images. Those that were requested in the rehearsal have additional evidence. */
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
  const because = `requested in a rehearsal on ${date.slice(0, 10)} (Kubernetes ${kubeVersion})`;
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

/** Returns the name under which a node requests the image. */
function nameOf(normalized: string): string {
  const reference = parseReference(normalized);
  return kubeletName(reference);
}

/** The state of an installation that a record can be compared with. */
export interface Rehearsable {
  readonly kubeVersion?: string;
  readonly releases: readonly Pick<
    RehearsedRelease,
    "name" | "namespace" | "chart" | "chartDigest" | "values"
  >[];
  readonly images: readonly { readonly normalized: NormalizedReference; readonly digest: string }[];
}

/** Values that the user passes in addition to the values of the bundle. */
export interface GivenValues {
  /** Contents of values files; later files override earlier ones. */
  readonly files: readonly Uint8Array[];
  /** `--set` expressions. */
  readonly set: readonly string[];
}

/**
 * Returns the state to compare: the content of an inventory, installed with these values on a
 * cluster of this version.
 */
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
  const bundleFiles = new Map(files.map(({ path, sha256 }) => [path, digestFromHex(sha256)]));
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
      values: { files: [...paths.flatMap((path) => bundleFiles.get(path) ?? []), ...added], set },
    })),
    images,
  };
}

/** True if a file that starts like this is a record. */
export function isRecordText(head: string): boolean {
  return /^\{\s*"formatVersion": \d+,\s*"date": "/.test(head);
}

/** Returns the differences from the rehearsed state, one line each. */
export function differencesFrom(record: RehearsalRecord, now: Rehearsable): readonly string[] {
  return [...compareCluster(record, now), ...compareReleases(record, now), ...compareImages(record, now)];
}

/**
 * Compares minor versions only: patch releases of Kubernetes do not add or remove APIs.
 * https://kubernetes.io/releases/version-skew-policy/
 */
function* compareCluster({ kubeVersion }: RehearsalRecord, now: Rehearsable): Iterable<string> {
  if (now.kubeVersion === undefined || minorOf(now.kubeVersion) === minorOf(kubeVersion)) return;
  yield `the Kubernetes version is ${now.kubeVersion}, rehearsed with ${kubeVersion}`;
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
        ? `release ${name}: the content of chart ${chart} differs from the rehearsed chart`
        : `release ${name}: the chart is ${chart}, rehearsed with ${then.chart}`;
    }
    for (const what of compareValues(then.values, values)) yield `release ${name}: ${what}`;
  }
}

function* compareValues(then: RehearsedValues, now: RehearsedValues): Iterable<string> {
  const isOther = (one: readonly string[], other: readonly string[]): boolean =>
    one.length !== other.length || one.some((entry, index) => entry !== other[index]);
  const added = now.files.filter((file) => !then.files.includes(file)).length;
  const missing = then.files.filter((file) => !now.files.includes(file)).length;
  if (added > 0) yield `${countOf(added, "values file was", "values files were")} not rehearsed`;
  if (missing > 0)
    yield `${countOf(missing, "rehearsed values file is", "rehearsed values files are")} missing`;
  if (added + missing === 0 && isOther(then.files, now.files)) yield "the order of the values files differs";
  const digests = ({ set }: RehearsedValues): readonly string[] => set.map((one) => one.digest);
  if (!isOther(digests(then), digests(now))) return;
  const keys = (from: RehearsedValues, against: RehearsedValues): readonly string[] =>
    from.set.filter((one) => !digests(against).includes(one.digest)).map(({ key }) => key);
  const changed = [...new Set([...keys(now, then), ...keys(then, now)])].sort();
  yield changed.length === 0 ? "the order of --set differs" : `--set differs for ${changed.join(", ")}`;
}

function* compareImages(record: RehearsalRecord, { images }: Rehearsable): Iterable<string> {
  const asked = new Map(record.asked.map((one) => [nameOf(one.normalized), one.digest]));
  const seen = new Set([...record.missing, ...record.unused].map(({ normalized }) => nameOf(normalized)));
  for (const { normalized, digest: now } of images) {
    const name = nameOf(normalized);
    const then = asked.get(name);
    if (then === undefined) {
      if (!seen.has(name)) yield `${normalized} was not rehearsed`;
    } else if (then !== now) yield `${normalized} has digest ${now}, rehearsed with ${then}`;
  }
}

/** Returns the images that were missing in the rehearsal and are still missing. */
export function stillMissing(
  { missing }: RehearsalRecord,
  images: readonly Pick<ImageUse, "normalized">[],
): readonly string[] {
  const there = new Set(images.map(({ normalized }) => nameOf(normalized)));
  return missing.map(({ normalized }) => normalized).filter((one) => !there.has(nameOf(one)));
}

/** Returns a warning for each image that was requested in the rehearsal and is not in the list. */
export function missingWarnings(
  record: RehearsalRecord,
  images: readonly Pick<ImageUse, "normalized">[],
): readonly FindingWarning[] {
  return stillMissing(record, images).map((image) => ({
    code: "rehearsal-missing",
    message: `${image} was requested in the rehearsal and is not included`,
    images: [image],
    incomplete: true,
  }));
}

/**
 * Returns warnings about differences between a build and the rehearsal, and about images that are
 * still missing.
 */
export function rehearsalWarnings(record: RehearsalRecord, now: Rehearsable): readonly FindingWarning[] {
  const different = differencesFrom(record, now).map((message) => ({
    code: "rehearsal-differs",
    message,
    incomplete: false,
  }));
  return [...missingWarnings(record, now.images), ...different];
}
