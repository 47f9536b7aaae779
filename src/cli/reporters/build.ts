// Formats the result of `build`.
import { countOf } from "../../core/count-of.js";
import type { WrittenBundle } from "../../workflows/ports.js";
import { formatBytes } from "../units.js";

/** Formats size and digest, and the warnings about the rehearsal and the platforms. */
export function formatBuild({ file, size, digest, inventory }: WrittenBundle): string {
  const { images, releases, warnings } = inventory;
  const differs = warnings.filter(({ code }) => /^(?:rehearsal|platform)-/.test(code));
  return [
    `${file}: ${countOf(images.length, "image")}, ${countOf(releases.length, "release")}, ${formatBytes(size)}`,
    `digest ${digest}`,
    ...differs.map(({ code, message }) => `! ${code}: ${message}`),
  ].join("\n");
}
