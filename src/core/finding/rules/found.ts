// What a rule finds in one object.
import type { RenderedObject } from "../../charts/rendered-object.js";
import type { Confidence } from "../../images/image-use.js";
import type { Path } from "../../json.js";

/** One image named or implied at one place. */
export interface Found {
  /** The reference as it will be used. */
  readonly reference: string;
  readonly path: Path;
  /** What stands at the path. */
  readonly value: string;
  readonly confidence: Confidence;
  /** Name of the flag that carries the image, without dashes. */
  readonly flag?: string;
  readonly because?: string;
  /** True in a list of everything that could be needed: required only where something else confirms it. */
  readonly isDeclared?: boolean;
}

/** Looks at one object; knows nothing of others. */
export interface Rule {
  /** The `rule` of the evidence. */
  readonly id: string;
  readonly find: (object: RenderedObject) => Iterable<Found>;
}
