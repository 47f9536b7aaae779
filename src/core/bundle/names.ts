// Lists the image names of a bundle.
import type { Inventory } from "./inventory.js";

/** Returns the names of all images. */
export function allNames(inventory: Inventory): readonly string[] {
  return inventory.images.flatMap((image) => image.names);
}
