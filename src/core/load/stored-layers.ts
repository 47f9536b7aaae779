// Finds the layers of an image that an engine already has as part of other images.

/**
 * Returns how many layers, from the base up, the engine has. Engines identify a layer by its diff id
 * and those of all layers below it. `stored` has the diff ids of the images of the engine, from the
 * base up.
 * https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function countStoredLayers(
  diffIds: readonly string[],
  stored: readonly (readonly string[])[],
): number {
  const common = stored.map((other) => {
    const different = diffIds.findIndex((diffId, at) => other[at] !== diffId);
    return different < 0 ? diffIds.length : different;
  });
  return Math.max(0, ...common);
}
