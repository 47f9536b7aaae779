// Parses `oci://HOST[:PORT]/REPOSITORY:TAG`, the place of a bundle in a registry.
import { parseReference, type Reference } from "../core/images/reference.js";
import { ViolaError } from "../errors.js";

const SCHEME = "oci://";
export const OCI_FORM = "oci://HOST[:PORT]/REPOSITORY:TAG";

/** Parses the place of a bundle. Throws `USAGE` without the scheme, a registry, or a tag or digest. */
export function parseOciReference(text: string): Reference {
  const invalid = (what: string, cause?: unknown): ViolaError =>
    new ViolaError("USAGE", `${text}: ${what}`, { subject: text, hint: `Write ${OCI_FORM}.`, cause });
  if (!text.startsWith(SCHEME)) throw invalid("not an oci:// reference");
  const name = text.slice(SCHEME.length);
  // Without a dot or port, the first part of an image's name is not a registry but part of a path.
  if (!/^(?:localhost|[^/]*[.:][^/]*)\//.test(name)) throw invalid("it names no registry");
  try {
    const reference = parseReference(name);
    if (/:[^/]+$/.test(name)) return reference;
  } catch (cause) {
    if (!(cause instanceof ViolaError)) throw cause;
    throw invalid(cause.message, cause);
  }
  throw invalid("it has neither a tag nor a digest");
}
