// What a running workflow tells whoever shows progress.

/** A step of a workflow began, moved on or ended. Units of `done` and `total` are bytes when `unit` says so, else things. */
export type ProgressEvent =
  | {
      readonly kind: "started";
      readonly step: string;
      readonly title: string;
      readonly total?: number;
      readonly unit?: "bytes";
    }
  | {
      readonly kind: "advanced";
      readonly step: string;
      readonly done: number;
      /** For a step whose total becomes known, or changes, on the way. */
      readonly total?: number;
      readonly detail?: string;
    }
  | { readonly kind: "ended"; readonly step: string; readonly summary?: string }
  | { readonly kind: "note"; readonly message: string };

/** Receives events; must not throw. */
export type OnProgress = (event: ProgressEvent) => void;

/**
 * One run of a workflow: what ends it early, and who is told how far it is.
 *
 * A function that reports progress takes its arguments as `(run, input, options, ports)`: `run` first,
 * then what is worked on, then named choices, and last the interfaces behind which the outside world is.
 * A call that can only be cancelled, such as one on a node or a registry, takes an `AbortSignal` last.
 */
export interface Run {
  readonly signal: AbortSignal;
  readonly progress: OnProgress;
}
