// Refuses images that are not signed with one of the keys.
import { isStatementOf, signedStatements } from "../../core/signing/cosign-signature.js";
import { parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { PublicKey } from "../../core/signing/keys.js";
import { oneOrMany, ViolaError } from "../../errors.js";
import type { ImageSource } from "../ports.js";

/**
 * Verifies the signatures of cosign of all images, whose artifacts are known. Throws `IMAGE_UNSIGNED`
 * for each image without one, and the errors of reading a signature.
 */
export async function requireSignedImages(
  images: readonly ResolvedImage[],
  keys: readonly PublicKey[],
  source: Pick<ImageSource, "readBlob">,
  signal: AbortSignal,
): Promise<void> {
  const refused = await Promise.all(
    images.map(async (image) => ((await isSigned(image, keys, source, signal)) ? [] : [image])),
  );
  const errors = refused.flat().map(unsigned);
  if (errors.length > 0) throw oneOrMany("some images are not signed", errors);
}

async function isSigned(
  image: ResolvedImage,
  keys: readonly PublicKey[],
  source: Pick<ImageSource, "readBlob">,
  signal: AbortSignal,
): Promise<boolean> {
  const { normalized } = image.use;
  const { registry, repository } = parseReference(normalized);
  for (const { layer, signature } of signedStatements(image)) {
    const place = { kind: "registry", registry, repository } as const;
    const statement = await source.readBlob(place, layer, normalized, signal);
    if (isStatementOf(image, statement, signature, keys)) return true;
  }
  return false;
}

function unsigned(image: ResolvedImage): ViolaError {
  const { normalized } = image.use;
  const found = signedStatements(image).length;
  const why = image.rebuilt
    ? "is from a Docker engine, where it has no signature"
    : found === 0
      ? "is not signed"
      : `is signed, but with none of the keys (signatures: ${found})`;
  return new ViolaError("IMAGE_UNSIGNED", `${normalized} ${why}`, {
    subject: normalized,
    hint: `Check it with \`cosign verify --key KEY ${normalized}\`, sign it, or exclude it in the spec.`,
  });
}
