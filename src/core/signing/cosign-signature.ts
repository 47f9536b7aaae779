// Verifies signatures of cosign: a layer of the artifact `sha256-….sig` is a signed statement that
// names the digest of the image.
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
import { verify } from "node:crypto";
import * as z from "zod";
import { readJson } from "../parse-json.js";
import { parseManifest } from "../oci/manifest.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { PublicKey } from "./keys.js";
import { referrersTag } from "../images/image-artifact.js";
import type { ResolvedImage } from "../images/resolved-image.js";

const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
/** Statements have some hundred bytes. */
const STATEMENT_BYTES = 64 * 1024;
const STATEMENTS = 100;

const STATEMENT = z.object({
  critical: z.object({ image: z.object({ "docker-manifest-digest": z.string() }) }),
});

/** A statement to read, and its signature. */
export interface SignedStatement {
  readonly layer: Descriptor;
  readonly signature: Uint8Array;
}

/** Returns the signed statements about the image that its registry has. */
export function signedStatements({ use, root, artifacts = [] }: ResolvedImage): readonly SignedStatement[] {
  const tag = `${referrersTag(root.digest)}.sig`;
  return artifacts
    .filter(({ tags }) => tags.includes(tag))
    .flatMap(({ manifests: [manifest] }) => {
      if (manifest === undefined) return [];
      const content = parseManifest(manifest.bytes, manifest.mediaType, use.normalized);
      return content.kind === "manifest" ? content.layers : [];
    })
    .flatMap((layer) => {
      const text = layer.annotations?.[SIGNATURE_ANNOTATION];
      return text === undefined || layer.size > STATEMENT_BYTES
        ? []
        : [{ layer, signature: Buffer.from(text, "base64") }];
    })
    .slice(0, STATEMENTS);
}

/** True if one of the keys signed the statement, and it names the digest of the image. */
export function isStatementOf(
  { root }: Pick<ResolvedImage, "root">,
  statement: Uint8Array,
  signature: Uint8Array,
  keys: readonly PublicKey[],
): boolean {
  const isSigned = keys.some(({ key }) =>
    verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", statement, key, signature),
  );
  if (!isSigned) return false;
  const { data } = STATEMENT.safeParse(readJson(new TextDecoder().decode(statement)));
  return data?.critical.image["docker-manifest-digest"] === root.digest;
}
