// Rules about what images are: their size, age, user and platforms.
import { formatBytes } from "../../format-bytes.js";
import { findForPlatform, findPlatform } from "../../oci/platform.js";
import type { AuditImage } from "../report.js";
import { firstOf } from "./first-of.js";
import type { Rule } from "./rule.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export const REBUILT: Rule = {
  id: "rebuilt",
  severity: "note",
  check: "An image is from a container engine, and its digest is not that of the registry.",
  *find({ contents: { images } }) {
    for (const { normalized, rebuilt } of images) {
      if (rebuilt) yield { kind: "rebuilt", subject: normalized, values: {} };
    }
  },
};

export const ROOT_USER: Rule = {
  id: "root-user",
  severity: "note",
  check: "The config of an image does not set a user other than root.",
  *find({ contents: { images } }) {
    for (const { normalized, user } of images) {
      if (user === null || !isRoot(user)) continue;
      const kind = user === "" ? "root-user" : "root-user-set";
      yield { kind, subject: normalized, values: { user } };
    }
  },
};

export const OLD_IMAGE: Rule = {
  id: "old-image",
  severity: "warning",
  check: "An image is older than the limit.",
  *find({ contents: { images }, limits: { maxAgeDays: limit }, today }) {
    if (limit === undefined) return;
    for (const { normalized, created } of images) {
      if (created === null) continue;
      const days = Math.floor((Date.parse(today) - Date.parse(created.slice(0, 10))) / DAY_MS);
      // NaN for a date that is not one.
      if (!(days > limit)) continue;
      const values = { created: created.slice(0, 10), days, limit };
      yield { kind: "old-image", subject: normalized, values };
    }
  },
};

export const LARGE_IMAGE: Rule = {
  id: "large-image",
  severity: "warning",
  check: "An image is larger than the limit.",
  *find({ contents: { images }, limits: { maxBytes: limit } }) {
    if (limit === undefined) return;
    for (const { normalized, compressedBytes: bytes } of images) {
      if (bytes <= limit) continue;
      yield { kind: "large-image", subject: normalized, values: sizes(bytes, limit) };
    }
  },
};

export const LARGE_LAYER: Rule = {
  id: "large-layer",
  severity: "warning",
  check: "A layer is larger than the limit.",
  *find({ contents: { layers }, limits: { maxLayerBytes: limit } }) {
    if (limit === undefined) return;
    for (const { digest, size, images } of layers) {
      if (size <= limit) continue;
      const values = { ...sizes(size, limit), images: firstOf(images) };
      yield { kind: "large-layer", subject: digest, values };
    }
  },
};

export const PLATFORM_MISSING: Rule = {
  id: "platform-missing",
  severity: "error",
  check: "An image lacks a platform of the nodes.",
  *find({ inventory, contents: { images } }) {
    const nodes = inventory.nodePlatforms ?? inventory.platforms;
    const known = images.filter(({ platforms }) => platforms.length > 0);
    for (const platform of nodes) {
      const lacking = known.filter((image) => !runsOn(image, platform));
      if (lacking.length > 0 && lacking.length === known.length) {
        const values = { platforms: nodes.join(",") };
        yield { kind: "platform-missing-everywhere", subject: platform, values };
        continue;
      }
      for (const { normalized } of lacking) {
        yield { kind: "platform-missing", subject: normalized, values: { platform } };
      }
    }
  },
};

function sizes(size: number, limit: number): { readonly size: string; readonly limit: string } {
  return { size: formatBytes(size), limit: formatBytes(limit) };
}

function runsOn({ platforms }: AuditImage, node: string): boolean {
  const wanted = findPlatform(node);
  const candidates = platforms.flatMap(({ platform: text }) => {
    const platform = findPlatform(text);
    return platform === undefined ? [] : [{ platform }];
  });
  return wanted === undefined || findForPlatform(candidates, wanted) !== undefined;
}

/** The user of a config is `USER[:GROUP]`; an empty one is root. */
function isRoot(user: string): boolean {
  const [name = ""] = user.split(":");
  return name === "" || name === "root" || /^0+$/.test(name);
}
