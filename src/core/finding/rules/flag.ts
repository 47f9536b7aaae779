// Images that a program gets by flag: `--x=ref`, or `--x` and `ref` as two items.
import { findFullImage, findHostedImage } from "./candidate.js";
import type { Found, Rule } from "./found.js";
import { containers, type ContainerAt } from "../../kubernetes/containers.js";

/** Flags whose names say that they carry an image. */
const IMAGE_FLAG = /image|reloader|solver|(?:^|[-_.])base(?:[-_.]|$)/i;

/** `command` and `args` of every container. */
export const FLAG: Rule = {
  id: "flag",
  *find({ body }) {
    for (const container of containers(body)) yield* findFlagImages(container);
  },
};

/** Yields the images among the command and arguments of one container. */
export function* findFlagImages({ path, container }: ContainerAt): Iterable<Found> {
  for (const list of ["command", "args"]) {
    const items = container[list];
    if (!Array.isArray(items)) continue;
    for (const [index, item] of items.entries()) {
      if (typeof item !== "string") continue;
      const before: unknown = items[index - 1];
      const two = typeof before === "string" ? /^--?([A-Za-z][\w.-]*)$/.exec(before)?.[1] : undefined;
      const one = /^--?([A-Za-z][\w.-]*)=(.+)$/s.exec(item);
      const flag = one?.[1] ?? (item.startsWith("-") ? undefined : two);
      if (flag === undefined) continue;
      for (const reference of imagesIn(one?.[2] ?? item, flag)) {
        const confidence = IMAGE_FLAG.test(flag) ? "high" : "medium";
        yield { reference, path: [...path, list, index], value: item, confidence, flag };
      }
    }
  }
}

/** A value is a reference, a list of them, or `name=reference` pairs. */
function imagesIn(value: string, flag: string): string[] {
  const find = IMAGE_FLAG.test(flag) ? findFullImage : findHostedImage;
  return value
    .split(/[\s,;]+/)
    .map((part) => part.replace(/^["']|["']$/g, ""))
    .map((part) => part.slice(part.lastIndexOf("=") + 1))
    .filter((part) => find(part) !== undefined);
}
