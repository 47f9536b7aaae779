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
