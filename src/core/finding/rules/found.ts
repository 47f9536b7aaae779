// Types of the findings of a rule in one object.
import type { RenderedObject } from "../../charts/rendered-object.js";
import type { Confidence } from "../../images/image-use.js";
import type { Path } from "../../json.js";

/** One image that is set or implied at one path. */
export interface Found {
  /** The reference that is used. */
  readonly reference: string;
  readonly path: Path;
  /** The value at the path. */
  readonly value: string;
  readonly confidence: Confidence;
  /** Name of the flag with the image, without dashes. */
  readonly flag?: string;
  readonly because?: string;
  /**
   * True if the image is not started with these values, so it needs other evidence to be required.
   */
  readonly isOptional?: boolean;
  /** Set if the image is one of several from which a custom resource selects one. */
  readonly alternative?: Alternative;
}

/** One of several images, for different versions or in texts with different names. */
export interface Alternative {
  /** The version, or the name of the text. */
  readonly version: string;
  /** The field that selects texts by name, such as `defaultTemplates`; absent for versions. */
  readonly selector?: string;
  /** Path of the list or map of the alternatives. */
  readonly list: Path;
  /** True for the alternative that is used by default. */
  readonly isDefault: boolean;
}

/** A rule, which searches one object independent of others. */
export interface Rule {
  /** The `rule` of the evidence. */
  readonly id: string;
  readonly find: (object: RenderedObject) => Iterable<Found>;
}
