// Reads operator rules from data files.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isSystemError, settleAll, systemErrorCode, ViolaError } from "../../errors.js";
import { indexOperators, type OperatorIndex } from "../../core/finding/operator-index.js";
import { parseOperatorRule, type OperatorRule } from "../../core/finding/operator-rules.js";
import { parseStoredOperators } from "../../core/finding/stored-operators.js";
import { readLimited, TEXT_FILE_BYTES } from "./read-limited.js";

/** The values of all files in one file, which the build writes beside the program. */
const STORED = new URL("operators.json", import.meta.url);

/**
 * Returns the knowledge base of the program: as the build stored it, or from the files in `folder`
 * when the program was not built. Throws the errors of `loadOperators`.
 */
export async function loadOperatorIndex(folder: string): Promise<OperatorIndex> {
  const subject = fileURLToPath(STORED);
  const unusable = (what: string, cause?: unknown): ViolaError =>
    new ViolaError("FILE_UNUSABLE", `${subject} cannot be used: ${what}`, {
      subject,
      hint: "Install viola-airgap again.",
      cause,
    });
  let text: string;
  try {
    text = await readFile(STORED, "utf8");
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return indexOperators(await loadOperators([folder]));
    throw unusable(systemErrorCode(cause), cause);
  }
  const index = parseStoredOperators(text);
  if (index === undefined) throw unusable("it does not contain the knowledge base");
  return index;
}

/**
 * Returns the rules of all `*.yaml` files in the folders, ordered by folder and name. Throws the
 * errors of all files together.
 */
export async function loadOperators(folders: readonly string[]): Promise<readonly OperatorRule[]> {
  const files: string[] = [];
  for (const folder of folders) {
    const names = await readdir(folder).catch((cause: unknown) => {
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `the operator rules in ${folder} cannot be read (${code})`, {
        subject: folder,
        cause,
      });
    });
    files.push(
      ...names
        .filter((name) => name.endsWith(".yaml"))
        .sort()
        .map((name) => join(folder, name)),
    );
  }
  const texts = await settleAll(
    "some operator rules cannot be read",
    files.map(async (file) => (await readLimited(file, TEXT_FILE_BYTES)).toString("utf8")),
  );
  const rules = await settleAll(
    "some operator rules are not valid",
    files.map((file, index) => Promise.resolve().then(() => parseOperatorRule(texts[index] ?? "", file))),
  );
  for (const [index, { id }] of rules.entries()) {
    if (rules.findIndex((other) => other.id === id) !== index) {
      throw new ViolaError("SETTINGS_INVALID", `${files[index] ?? ""}: operator "${id}" is already defined`, {
        subject: files[index] ?? id,
      });
    }
  }
  return rules;
}
