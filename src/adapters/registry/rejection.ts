// Why a place did not give what was asked of it, and the one error that all places together make.
import { ViolaError, type ErrorCode } from "../../errors.js";

/** One place's refusal. */
export interface RegistryRejection {
  readonly code: ErrorCode;
  /** URL of the place, redacted. */
  readonly place: string;
  /** What it answered, or how the connection failed. */
  readonly answer: string;
  /** Status, where there was an answer. */
  readonly status?: number;
  /** Host under which credentials were looked for, and where they were found. */
  readonly credentialHost?: string;
  readonly credentialOrigin?: string;
  readonly cause?: unknown;
}

/** The graver first: with several refusals, what the user must hear is the one that leaves most open. */
const GRAVITY: readonly ErrorCode[] = [
  "DIGEST_MISMATCH",
  "REGISTRY_ANSWER_INVALID",
  "REGISTRY_UNAVAILABLE",
  "REGISTRY_AUTH",
  "IMAGE_NOT_FOUND",
];
/** Returns the error code for a status that is not what was hoped for. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return "IMAGE_NOT_FOUND";
  if (status === 401 || status === 403) return "REGISTRY_AUTH";
  if (status === 408 || status === 429 || status >= 500) return "REGISTRY_UNAVAILABLE";
  return "REGISTRY_ANSWER_INVALID";
}

/**
 * Returns the error for an image that no place gave. `subject` names the image. `IMAGE_NOT_FOUND` and `REGISTRY_AUTH` mean that every place answered
 * and each said absent or denied.
 */
export function refusalError(subject: string, refusals: readonly RegistryRejection[]): ViolaError {
  const code =
    GRAVITY.find((grave) => refusals.some((refusal) => refusal.code === grave)) ?? "REGISTRY_ANSWER_INVALID";
  const answers = refusals
    .map(({ place, answer }) => `${place}: ${answer.replace(`${subject}: `, "")}`)
    .join("; ");
  const causes = refusals.map(({ cause }) => cause).filter((cause) => cause !== undefined);
  return new ViolaError(
    code,
    `${subject} ${SUMMARIES[code] ?? "cannot be had"} (${answers || "no place to ask"})`,
    {
      subject,
      hint: hintFor(code, refusals),
      ...(causes.length > 0 && { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) }),
    },
  );
}

const SUMMARIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  DIGEST_MISMATCH: "came with the wrong digest",
  REGISTRY_ANSWER_INVALID: "got an answer that makes no sense",
  REGISTRY_UNAVAILABLE: "could not be fetched",
  REGISTRY_AUTH: "was denied",
  IMAGE_NOT_FOUND: "was not found",
};

function hintFor(code: ErrorCode, refusals: readonly RegistryRejection[]): string {
  const sent = credentialNote(refusals.filter((refusal) => refusal.code === code));
  if (code === "IMAGE_NOT_FOUND") {
    return `Check name and tag. Some registries say this of private repositories too: ${sent}.`;
  }
  if (code === "REGISTRY_AUTH") return `Log in with docker login or podman login: ${sent}.`;
  if (code === "REGISTRY_UNAVAILABLE") {
    return refusals.some(({ status }) => status === 429)
      ? `The registry limits how much it serves: wait, log in, or name a mirror in the settings (${sent}).`
      : "Check that it can be reached from here, or name a mirror, ca or insecure in the settings, or a proxy in HTTPS_PROXY.";
  }
  if (code === "DIGEST_MISMATCH") {
    return "Something between here and the registry changes what it sends, or a mirror is damaged.";
  }
  return "Check that this is the address of a container registry.";
}

function credentialNote(refusals: readonly RegistryRejection[]): string {
  const notes = refusals.map(({ credentialHost, credentialOrigin, place }) =>
    credentialOrigin === undefined
      ? `no credentials for ${credentialHost ?? place} were sent, as none were found`
      : `credentials for ${credentialHost ?? place} from ${credentialOrigin} were sent`,
  );
  return [...new Set(notes)].join("; ");
}
