// The refusals of the places that were tried, and the error code that they amount to.
import type { ErrorCode } from "../../errors.js";

/** The refusal of one place. */
export interface RegistryRejection {
  readonly code: ErrorCode;
  /** The redacted URL of the place. */
  readonly place: string;
  /** Its response, or the error of the connection. */
  readonly answer: string;
  /** The status, when there was a response. */
  readonly status?: number;
  /** The host whose credentials were looked up, and where they were found. */
  readonly credentialHost?: string;
  readonly credentialOrigin?: string;
  /** True for the registry itself, besides its mirrors, when it cannot be reached. */
  readonly isOriginOffline?: boolean;
  /** Who denied access, if not the registry to this user. */
  readonly denial?: Denial;
  readonly cause?: unknown;
}

/** A 401 or 403 that another login may not help with. */
export type Denial =
  /** Of another server, to which the registry redirected. */
  | { readonly kind: "storage"; readonly host: string }
  /** It lacks the errors of a registry: a proxy or storage responded in its place. */
  | { readonly kind: "foreign" }
  /** It asks for a login of these schemes only. */
  | { readonly kind: "scheme"; readonly schemes: string };

/** Codes by severity. Of several refusals, the most severe one determines the error. */
const BY_SEVERITY: readonly ErrorCode[] = [
  "DIGEST_MISMATCH",
  "REGISTRY_ANSWER_INVALID",
  "REGISTRY_UNAVAILABLE",
  "REGISTRY_AUTH",
  "IMAGE_NOT_FOUND",
];

/** Returns the error code for the status of a refusal. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return "IMAGE_NOT_FOUND";
  if (status === 401 || status === 403) return "REGISTRY_AUTH";
  if (status === 407 || status === 408 || status === 429 || status >= 500) return "REGISTRY_UNAVAILABLE";
  return "REGISTRY_ANSWER_INVALID";
}

/**
 * Returns the error code for content that no place returned. `IMAGE_NOT_FOUND` and `REGISTRY_AUTH`
 * mean that all places responded, with "not found" or "denied". Mirrors respond in the place of a
 * registry that cannot be reached.
 */
export function codeOfRefusals(refusals: readonly RegistryRejection[]): ErrorCode {
  const ofMirrors = refusals.filter(({ isOriginOffline }) => isOriginOffline !== true);
  const decisive = ofMirrors.length > 0 ? ofMirrors : refusals;
  return (
    BY_SEVERITY.find((severe) => decisive.some((refusal) => refusal.code === severe)) ??
    "REGISTRY_ANSWER_INVALID"
  );
}
