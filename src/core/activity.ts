// What a run does outside of this process, for `--verbose`. Activities contain no secrets.

/** One request, without redirects that follow it. */
export interface RequestActivity {
  readonly kind: "request";
  readonly method: string;
  /** Without user, password, and query values that may be secret. */
  readonly url: string;
  /** Absent when nothing answered. */
  readonly status?: number;
  /** How the connection failed. */
  readonly failure?: string;
  /** Bytes of the body that were received. */
  readonly bytes: number;
  readonly durationMs: number;
}

/** One external command that has ended. */
export interface CommandActivity {
  readonly kind: "command";
  /** The node that it ran on; absent for this machine. */
  readonly place?: string;
  /** Without secrets. */
  readonly argv: readonly string[];
  /** Absent when it could not be started, was killed, or nobody waited for its end. */
  readonly exitCode?: number;
  readonly durationMs: number;
}

export type Activity = RequestActivity | CommandActivity;

/** Receives activities as they end. It must not throw. */
export type OnActivity = (activity: Activity) => void;
