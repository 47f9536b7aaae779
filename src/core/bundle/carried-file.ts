// Files that come along as they lie on this machine, in bin/: too large to be held in memory while a bundle is planned.

/** A file of this machine and its place in the bundle; its bytes are copied, and checked again, when the bundle is filled. */
export interface CarriedFile {
  readonly path: string;
  /** Absolute path on this machine. */
  readonly file: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly executable?: boolean;
}
