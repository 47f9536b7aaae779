// Recognizes copies of a repository under other names.

/**
 * True for the repository itself, for a copy below a prefix as in mirrors, and for a copy with a
 * name as in https://github.com/rancher/image-mirror (`mirrored-longhornio-longhorn-manager` is a
 * copy of `longhornio/longhorn-manager`). With a registry in front of the repository, it is also true
 * for a known name with the same registry.
 */
export function isRepository(repository: string, known: string): boolean {
  return copyNames(known).some((name) => isCopy(repository, name));
}

/** Returns the names that a repository has in mirrors, below any prefix. */
export function copyNames(known: string): readonly string[] {
  return [known, `mirrored-${known.replaceAll("/", "-")}`];
}

/** True for the repository itself, and for a copy below a prefix. */
export function isCopy(repository: string, name: string): boolean {
  return repository === name || repository.endsWith(`/${name}`);
}
