// Formats an HTTP error response as one line: the status and the message of the body.
import * as z from "zod";
import { readJson } from "../../core/parse-json.js";

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
const errorsSchema = z.object({
  errors: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).min(1),
});
const TEXT_LIMIT = 200;
/** What is shown stands at the beginning of a body, and searching a long one takes long. */
const BODY_LIMIT_BYTES = 16 * 1024;

/**
 * Returns `404 MANIFEST_UNKNOWN: manifest unknown` for the errors of a registry. Returns the text of
 * any other body without XML and HTML tags, because storage services and proxies explain errors
 * there.
 */
export function describeAnswer(status: number, body: Uint8Array = new Uint8Array()): string {
  const text = decode(body.subarray(0, BODY_LIMIT_BYTES));
  const errors = errorsOf(text);
  const texts = errors.map(({ code, message }) => [code, message].filter(Boolean).join(": "));
  return `${status} ${errors.length > 0 ? texts.join(", ") : withoutTags(text)}`
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, TEXT_LIMIT);
}

/** True for a body with the errors of a registry. */
export function isRegistryError(body: Uint8Array): boolean {
  return errorsOf(decode(body.subarray(0, BODY_LIMIT_BYTES))).length > 0;
}

function errorsOf(text: string): z.infer<typeof errorsSchema>["errors"] {
  return errorsSchema.safeParse(readJson(text)).data?.errors ?? [];
}

function withoutTags(text: string): string {
  return text.replace(/<(script|style)\b.*?<\/\1>/gis, " ").replace(/<[^>]*>/g, " ");
}

/** Returns an empty text for a binary body. */
function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body, { stream: true });
  } catch {
    return "";
  }
}
