// What a build wrote, as text.
import type { WrittenBundle } from "../../workflows/ports.js";
import { formatBytes } from "../units.js";

/** Writes size and digest, and what differs from the rehearsal that the bundle was built with. */
export function formatBuild({ file, size, digest, inventory }: WrittenBundle): string {
  const { images, releases, warnings } = inventory;
  const differs = warnings.filter(({ code }) => code.startsWith("rehearsal-"));
  return [
    `${file}: ${images.length} images, ${releases.length} releases, ${formatBytes(size)}`,
    `digest ${digest}`,
    ...differs.map(({ code, message }) => `! ${code}: ${message}`),
  ].join("\n");
}
