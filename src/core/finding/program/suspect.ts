// A suspect: an image that an operator's program may start, with the reason.

/** Source of the tag: written in the program, derived from other strings, or not known. */
export type TagCertainty = "exact" | "guessed" | "unknown";

/**
 * Source of the name: a variable that the image sets, an (address, length) pair in data, a constant
 * in code (or of a Java class), or text.
 */
export type SuspectRule = "environment" | "string-header" | "constant" | "text";

/** A suspect from one file of the operator's image. */
export interface FileSuspect {
  /**
   * The reference for a spec: the repository with tag or digest, or only the repository when
   * neither is known.
   */
  readonly reference: string;
  /** The repository as written in the program, such as `grafana/agent`. */
  readonly repository: string;
  readonly tag?: string;
  readonly certainty: TagCertainty;
  readonly rule: SuspectRule;
  /** Offset of the name in the file, or in the entry of an archive. */
  readonly offset: number;
  /** The reason for the tag, or for the name itself. */
  readonly because: string;
  /** True when the tag is beside the name. Other guesses use versions of the whole program. */
  readonly isAdjacent?: boolean;
  /** True when the name counts only because the operator is known to start such an image. */
  readonly isWantedOnly?: boolean;
  /**
   * If the program does not contain the tag: other tags to try at the registry, the most likely
   * first.
   */
  readonly otherTags?: readonly string[];
}

/** A suspect, with the operator that it was found in. */
export interface Suspect extends FileSuspect {
  /** `Kind namespace/name` of the workload that runs the operator. */
  readonly operator: string;
  /** The operator's image, as written in the workload. */
  readonly operatorImage: string;
  /** Path in the image; an entry of an archive follows `!`. */
  readonly file: string;
  /**
   * Whether it exists in its registry; absent when the registry could not be queried or the tag is
   * unknown.
   */
  readonly exists?: boolean;
}
