// Progress events of a running workflow.

/**
 * A step of a workflow started, advanced or ended. `done` and `total` count bytes if `unit` is
 * `bytes`, and items otherwise.
 */
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
      /** For a step whose total becomes known, or changes, while it runs. */
      readonly total?: number;
      readonly detail?: string;
    }
  | { readonly kind: "ended"; readonly step: string; readonly summary?: string }
  | { readonly kind: "note"; readonly message: string };

/** Receives events. It must not throw. */
export type OnProgress = (event: ProgressEvent) => void;

/**
 * One run of a workflow: the signal that cancels it, and the receiver of its progress.
 *
 * A function that reports progress takes `(run, input, options, ports)`: the run, the data to work
 * on, named options, and the interfaces to adapters. A call that can only be cancelled, such as one
 * on a node or a registry, takes an `AbortSignal` as its last argument.
 */
export interface Run {
  readonly signal: AbortSignal;
  readonly progress: OnProgress;
}
