// Adds images to the text of a spec and preserves comments and all other content.
import { isMap, isSeq, YAMLSeq, type Document } from "yaml";
import { normalizeReference } from "../images/reference.js";
import { parseYaml } from "../parse-yaml.js";

/** An image to include, and the reason. */
export interface AddedImage {
  readonly image: string;
  /** What required the image in a rehearsal. */
  readonly rehearsed: string;
  readonly comment: string;
}

/**
 * Returns the spec with the images in `images.include`, each after its comment. Matching entries of
 * `images.exclude` are removed.
 */
export function addImages(text: string, added: readonly AddedImage[]): string {
  const document: Document = parseYaml(text);
  const wanted = new Set(added.map(({ image }) => normalizeReference(image)));
  const excluded = document.getIn(["images", "exclude"]);
  if (isSeq(excluded)) {
    excluded.items = excluded.items.filter(
      (item) => !(isMap(item) && wanted.has(normalizeReference(String(item.get("image"))))),
    );
    if (excluded.items.length === 0) document.deleteIn(["images", "exclude"]);
  }
  const images = document.get("images");
  if (!isMap(images)) document.set("images", document.createNode({}));
  else images.flow = false;
  const included = document.getIn(["images", "include"]);
  const list = isSeq(included) ? included : new YAMLSeq();
  list.flow = false;
  for (const { image, rehearsed, comment } of added) {
    const item = document.createNode({ image, rehearsed });
    item.commentBefore = ` ${comment.replaceAll(/\s+/g, " ")}`;
    list.add(item);
  }
  document.setIn(["images", "include"], list);
  return document.toString({ lineWidth: 0 });
}
