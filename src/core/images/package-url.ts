// Package URLs of images and charts, which name them in bills of materials.

/** What the URL of an image is made from; `digest` is empty when it is not known. */
export interface NamedImage {
  /** With the registry. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string;
}

/**
 * Returns `pkg:oci/NAME@DIGEST?repository_url=REPOSITORY&tag=TAG`
 * (https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md).
 */
export function ociPurl({ repository, tag, digest }: NamedImage): string {
  const name = repository.slice(repository.lastIndexOf("/") + 1);
  const version = digest === "" ? "" : `@${encodeURIComponent(digest)}`;
  const qualifiers = [
    `repository_url=${encodeURIComponent(repository).replaceAll("%2F", "/")}`,
    ...(tag === null ? [] : [`tag=${encodeURIComponent(tag)}`]),
  ];
  return `pkg:oci/${encodeURIComponent(name)}${version}?${qualifiers.join("&")}`;
}

/** Returns `pkg:helm/NAME@VERSION`. */
export function helmPurl({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:helm/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
}
