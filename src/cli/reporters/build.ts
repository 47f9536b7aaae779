// Formats the result of `build`.
import { formatIdentity } from "../../core/bundle/base.js";
import { withheldReleases } from "../../core/bundle/bundled-values.js";
import { countOf } from "../../core/count-of.js";
import type { BundlePart, WrittenBundle } from "../../workflows/ports.js";
import { formatBytes } from "../units.js";

/**
 * Formats size and digest, where the blobs came from, whether values are in the bundle, and the
 * warnings about the rehearsal and the platforms. `mode` is the mode of the file before the umask;
 * `parts` are written instead of the file.
 */
export function formatBuild(
  { file, size, digest, inventory, fetchedBytes, copiedBytes }: WrittenBundle,
  {
    mode,
    isSigned = false,
    parts,
  }: {
    readonly mode: number;
    readonly isSigned?: boolean;
    readonly parts?: readonly BundlePart[] | undefined;
  },
): string {
  const { images, releases, warnings, base, whole } = inventory;
  const withheld = withheldReleases(releases);
  const withValues = releases.filter(({ values }) => values.length > 0).map(({ name }) => name);
  const differs = warnings.filter(({ code }) => /^(?:rehearsal|platform)-/.test(code));
  return [
    `${file}: ${countOf(images.length, "image")}, ${countOf(releases.length, "release")}, ${formatBytes(size)}`,
    `digest ${digest}${isSigned ? ", signed" : ""}`,
    ...(base === undefined || whole === undefined
      ? []
      : [`base ${formatIdentity(base)}`, `with its base ${formatBytes(whole.size)}, digest ${whole.digest}`]),
    ...(parts === undefined
      ? []
      : [`in ${countOf(parts.length, "part")}: ${parts.map((part) => part.file).join(", ")}`]),
    ...(copiedBytes === 0
      ? []
      : [
          `${formatBytes(copiedBytes)} copied from files of this machine, ${formatBytes(fetchedBytes)} fetched`,
        ]),
    ...(withValues.length === 0
      ? []
      : [
          `the values of ${withValues.join(", ")} are in the bundle; --values keys or --values none leaves them out`,
        ]),
    ...(withheld.length === 0
      ? []
      : [`the values of ${withheld.join(", ")} are not in the bundle; install requires -f`]),
    ...(mode === 0o666 ? [] : ["the file is only for those who may read its values files and charts"]),
    ...differs.map(({ code, message }) => `! ${code}: ${message}`),
  ].join("\n");
}
