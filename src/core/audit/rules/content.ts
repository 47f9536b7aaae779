// Rules about what images are: their size, age, user and platforms.
import { findForPlatform, findPlatform } from "../../oci/platform.js";
import type { AuditImage } from "../report.js";
import type { Rule } from "./rule.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export const REBUILT: Rule = {
  id: "rebuilt",
  severity: "note",
  *find({ contents: { images } }) {
    for (const { normalized, rebuilt } of images) {
      if (rebuilt) yield { kind: "rebuilt", subject: normalized, values: {} };
    }
  },
};

export const ROOT_USER: Rule = {
  id: "root-user",
  severity: "note",
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
  *find({ contents: { images }, limits: { maxBytes: limit } }) {
    if (limit === undefined) return;
    for (const { normalized, compressedBytes: bytes } of images) {
      if (bytes > limit) yield { kind: "large-image", subject: normalized, values: { bytes, limit } };
    }
  },
};

export const LARGE_LAYER: Rule = {
  id: "large-layer",
  severity: "warning",
  *find({ contents: { layers }, limits: { maxLayerBytes: limit } }) {
    if (limit === undefined) return;
    for (const { digest, size: bytes, images } of layers) {
      if (bytes <= limit) continue;
      yield { kind: "large-layer", subject: digest, values: { bytes, limit, images: images.join(", ") } };
    }
  },
};

export const PLATFORM_MISSING: Rule = {
  id: "platform-missing",
  severity: "error",
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
