// Rules about how images are referred to: tags, digests, registries, and versions of one repository.
import { groupBy } from "../../group-by.js";
import { findReference, normalizeReference } from "../../images/reference.js";
import type { AuditImage } from "../report.js";
import type { Rule, RuleInput } from "./rule.js";

/** An image of the bundle, or one that only `helm test` starts and that is not in the bundle. */
interface NamedImage {
  readonly normalized: string;
  /** All spellings. */
  readonly written: readonly string[];
}

/** Names of branches and channels. A tag with one of these names follows it. */
const CHANNELS = new Set(
  "latest stable edge nightly canary rolling main master develop dev devel head trunk snapshot next testing unstable lts current".split(
    " ",
  ),
);

export const MUTABLE_TAG: Rule = {
  id: "mutable-tag",
  severity: "warning",
  check: "A tag names other images over time.",
  *find(input) {
    for (const { normalized, written } of namedImages(input)) {
      const { tag, digest } = findReference(normalized) ?? {};
      if (tag === undefined || digest !== undefined) continue;
      const found = { subject: normalized, values: { tag } };
      if (tag === "latest" && written.every(hasNoTag)) yield { ...found, kind: "mutable-tag-missing" };
      else if (CHANNELS.has(tag.toLowerCase())) yield { ...found, kind: "mutable-tag" };
      else if (isPartOfVersion(tag)) yield { ...found, kind: "mutable-tag-part" };
    }
  },
};

export const NO_DIGEST: Rule = {
  id: "no-digest",
  severity: "note",
  check: "An image is not pinned by a digest.",
  *find({ contents: { images } }) {
    for (const { normalized, digest, rebuilt } of images) {
      // The digest of a rebuilt image is not that of the registry, so it cannot be pinned. That of an
      // image that could not be resolved is not known.
      if (rebuilt || digest === "" || findReference(normalized)?.digest !== undefined) continue;
      yield { kind: "no-digest", subject: normalized, values: { pinned: `${normalized}@${digest}` } };
    }
  },
};

export const UNQUALIFIED_NAME: Rule = {
  id: "unqualified-name",
  severity: "note",
  check: "A chart names an image without its registry.",
  *find(input) {
    for (const { normalized, written } of namedImages(input)) {
      const short = written.find((spelling) => !normalized.startsWith(registryIn(spelling)));
      if (short === undefined) continue;
      const reference = findReference(normalized);
      yield {
        kind: "unqualified-name",
        subject: normalized,
        values: { written: short, qualified: `${reference?.registry ?? ""}/${reference?.repository ?? ""}` },
      };
    }
  },
};

export const DUPLICATE_VERSIONS: Rule = {
  id: "duplicate-versions",
  severity: "warning",
  check: "The bundle has several versions of one image.",
  *find({ contents: { images } }) {
    for (const [subject, versions] of groupBy(images, repositoryKey)) {
      if (versions.length < 2) continue;
      const repositories = new Set(versions.map(({ repository }) => repository));
      yield {
        kind: "duplicate-versions",
        // The name that all of them have: with the registry if it is the same.
        subject: repositories.size === 1 ? (versions[0]?.repository ?? subject) : subject,
        values: { count: versions.length, images: versions.map(({ normalized }) => normalized).join(", ") },
      };
    }
  },
};

/**
 * Returns what the versions of one image have in common. Projects publish an image under one path in
 * several registries, such as `kiwigrid/k8s-sidecar` on Docker Hub and Quay. A name without an
 * organization says too little for that.
 */
function repositoryKey({ repository, registry }: AuditImage): string {
  const path = repository.slice(registry.length + 1);
  return path.includes("/") && !path.startsWith("library/") ? path : repository;
}

function namedImages({ inventory, contents }: RuleInput): readonly NamedImage[] {
  const included = contents.images.map(({ normalized, reference, evidence }) => ({
    normalized,
    written: spellingsIn(normalized, [reference, ...evidence.map(({ value }) => value)]),
  }));
  const left = (inventory.testImages ?? []).map(({ normalized, reference }) => ({
    normalized,
    written: [reference],
  }));
  return [...included, ...left];
}

/** The values of evidence that are the reference; others are, for example, a flag or a repository. */
function spellingsIn(normalized: string, values: readonly string[]): readonly string[] {
  return [...new Set(values)].filter((value) => normalizeReference(value) === normalized);
}

function hasNoTag(written: string): boolean {
  return !written.includes("@") && !written.slice(written.lastIndexOf("/") + 1).includes(":");
}

/** Returns the registry that the reference states with the slash, or `/` if it states none. */
function registryIn(written: string): string {
  const first = written.slice(0, written.indexOf("/") + 1);
  return /[.:]|^localhost\/$/.test(first) ? first.replace(/^index\./, "") : "/";
}

/** True for `3`, `v1` and `8-alpine`. A longer number, such as a date, is the number of a build. */
function isPartOfVersion(tag: string): boolean {
  return /^v?\d{1,3}(?:-[a-z]+)?$/i.test(tag);
}
