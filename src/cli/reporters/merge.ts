// Formats the result of `merge`.
import { countOf } from "../../core/count-of.js";
import { formatBytes } from "../units.js";

/** The bundle that was written. `size` is in bytes, `images` and `blobs` are numbers. */
export interface MergeReport {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly digest: string;
  readonly images: number;
  readonly blobs: number;
}

export function formatMerge({ file, name, version, size, digest, images, blobs }: MergeReport): string {
  return [
    `${file}: ${name} ${version}, ${countOf(images, "image")}, ${countOf(blobs, "blob")}, ${formatBytes(size)}`,
    `digest ${digest}`,
  ].join("\n");
}
