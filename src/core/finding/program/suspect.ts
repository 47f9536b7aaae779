// An image that an operator's program may start: what is known of it, what is guessed, and why.

/** How the tag came about: written in the program, concluded from something near by, or not known. */
export type TagCertainty = "exact" | "guessed" | "unknown";

/** How the name was read: a pair (address, length) in data, a constant in code (or of a Java class), or text. */
export type SuspectRule = "string-header" | "constant" | "text";

/** A suspect as one file of the operator's image shows it. */
export interface FileSuspect {
  /** What to write into a spec: the repository with the tag or digest, or without when that is not known. */
  readonly reference: string;
  /** As the program writes it, such as `grafana/agent`. */
  readonly repository: string;
  readonly tag?: string;
  readonly certainty: TagCertainty;
  readonly rule: SuspectRule;
  /** Of the name's first byte in the file, or in the entry of an archive. */
  readonly offset: number;
  /** Where the tag, or the name itself, comes from. */
  readonly because: string;
  /** Where the tag is not written in the program: other tags to ask the registry for, the likeliest first. */
  readonly otherTags?: readonly string[];
}

/** A suspect of one operator. */
export interface Suspect extends FileSuspect {
  /** `Kind namespace/name` of the workload that runs the operator. */
  readonly operator: string;
  /** The operator's image, as the workload writes it. */
  readonly operatorImage: string;
  /** Path in the image; an entry of an archive behind `!`. */
  readonly file: string;
  /** Whether its registry has it; absent when that could not be asked, or when the tag is unknown. */
  readonly exists?: boolean;
}
