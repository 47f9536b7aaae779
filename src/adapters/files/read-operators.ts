// Reads operator rules from data files.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { settleAll, systemErrorCode, ViolaError } from "../../errors.js";
import { readLimited, TEXT_FILE_BYTES } from "./read-limited.js";
import { parseOperatorRule, type OperatorRule } from "../../core/finding/operator-rules.js";

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
  const rules = await settleAll(
    "some operator rules are not valid",
    files.map(async (file) =>
      parseOperatorRule((await readLimited(file, TEXT_FILE_BYTES)).toString("utf8"), file),
    ),
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
