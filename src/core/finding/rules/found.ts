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
  /** True where something says that the image is not started as things are: it is required only where something else confirms it. */
  readonly isOptional?: boolean;
  /** The image is one of several of which a custom resource chooses one. */
  readonly alternative?: Alternative;
}

/** One of several images that are told apart by a version. */
export interface Alternative {
  readonly version: string;
  /** Path of the list or map that holds them. */
  readonly list: Path;
  /** True for the one that is used where nothing chooses another. */
  readonly isDefault: boolean;
}

/** Looks at one object; knows nothing of others. */
export interface Rule {
  /** The `rule` of the evidence. */
  readonly id: string;
  readonly find: (object: RenderedObject) => Iterable<Found>;
}
