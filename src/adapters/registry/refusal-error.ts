// The error that summarizes the refusals of all places, with what to do.
import { ViolaError, type ErrorCode } from "../../errors.js";
import { adviceFor } from "./advice.js";
import { codeOfRefusals, type RegistryRejection } from "./rejection.js";

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
      ...(causes.length > 0 && {
        cause: causes.length === 1 ? causes[0] : new AggregateError(causes),
      }),
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

/** Returns what to do about the decisive refusals, each advice once. */
function hintFor(code: ErrorCode, refusals: readonly RegistryRejection[]): string {
  if (refusals.length === 0) return "Add endpoints to mirrors in the settings, or remove `only` there.";
  const decisive = refusals.filter((refusal) => refusal.code === code);
  return [...new Set(decisive.map((refusal) => adviceFor(refusal, "read access")))].join(" ");
}
