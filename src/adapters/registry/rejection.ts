// The refusals of the places that were tried, and the error that summarizes them.
import { ViolaError, type ErrorCode } from "../../errors.js";

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
  readonly cause?: unknown;
}

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
  if (status === 408 || status === 429 || status >= 500) return "REGISTRY_UNAVAILABLE";
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

/**
 * Returns the error for content that no place returned. `subject` names the image. `nearNames` are
 * similar names that exist.
 */
export function refusalError(
  subject: string,
  refusals: readonly RegistryRejection[],
  nearNames: readonly string[] = [],
): ViolaError {
  const code = codeOfRefusals(refusals);
  const answers = refusals
    .map(({ place, answer }) => `${place}: ${answer.replace(`${subject}: `, "")}`)
    .join("; ");
  const causes = refusals.map(({ cause }) => cause).filter((cause) => cause !== undefined);
  return new ViolaError(
    code,
    `${subject} ${SUMMARIES[code] ?? "could not be fetched"} (${answers || "no registry or mirror is configured"})`,
    {
      subject,
      hint: [...suggest(nearNames), hintFor(code, refusals)].join(" "),
      ...(causes.length > 0 && { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) }),
    },
  );
}

const SUMMARIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  DIGEST_MISMATCH: "does not match its digest",
  REGISTRY_ANSWER_INVALID: "could not be fetched because of an invalid response",
  REGISTRY_UNAVAILABLE: "could not be fetched",
  REGISTRY_AUTH: "was denied",
  IMAGE_NOT_FOUND: "was not found",
};

function suggest(nearNames: readonly string[]): readonly string[] {
  return nearNames.length === 0 ? [] : [`Similar names exist: ${nearNames.join(", ")}.`];
}

function hintFor(code: ErrorCode, refusals: readonly RegistryRejection[]): string {
  const sent = credentialNote(refusals.filter((refusal) => refusal.code === code));
  if (code === "IMAGE_NOT_FOUND") {
    return `Check name and tag. Some registries respond like this for private repositories too: ${sent}.`;
  }
  if (code === "REGISTRY_AUTH") return `Log in with docker login or podman login: ${sent}.`;
  if (code === "REGISTRY_UNAVAILABLE") {
    return refusals.some(({ status }) => status === 429)
      ? `The registry limits requests. Wait, log in, or set a mirror in the settings (${sent}).`
      : "Check that it can be reached from here, set a mirror, ca or insecure in the settings, or set a proxy in HTTPS_PROXY.";
  }
  if (code === "DIGEST_MISMATCH") {
    return "A proxy changes the responses of the registry, or a mirror is damaged.";
  }
  return "Check that this is the address of a container registry.";
}

function credentialNote(refusals: readonly RegistryRejection[]): string {
  const notes = refusals.map(({ credentialHost, credentialOrigin, place }) =>
    credentialOrigin === undefined
      ? `no credentials for ${credentialHost ?? place} were found`
      : `credentials for ${credentialHost ?? place} from ${credentialOrigin} were sent`,
  );
  return [...new Set(notes)].join("; ");
}
