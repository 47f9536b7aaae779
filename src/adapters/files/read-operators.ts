// Reads operator rules from data files.
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { settleAll, systemErrorCode, ViolaError } from "../../errors.js";
import { digestOf, hexOf } from "../../core/oci/digest.js";
import { readLimited, TEXT_FILE_BYTES } from "./read-limited.js";
import { parseOperatorRule, parseStoredRules, type OperatorRule } from "../../core/finding/operator-rules.js";

/** Increase this number when the same files would give other rules. */
const FORMAT_VERSION = 1;

/**
 * Returns the rules of all `*.yaml` files in the folders, ordered by folder and name. Throws the
 * errors of all files together.
 *
 * Parsing YAML takes most of the time of a short command, so the rules are stored as JSON in
 * `cacheFolder`, by the digest of the files. Without the folder, they are parsed every time.
 */
export async function loadOperators(
  folders: readonly string[],
  cacheFolder?: string,
): Promise<readonly OperatorRule[]> {
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
  const key = hexOf(digestOf(JSON.stringify([FORMAT_VERSION, files, texts])));
  const stored = cacheFolder === undefined ? undefined : join(cacheFolder, `${key}.json`);
  const known = stored === undefined ? undefined : await readStored(stored);
  if (known !== undefined) return known;
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
  if (stored !== undefined) await store(stored, JSON.stringify(rules));
  return rules;
}

async function readStored(file: string): Promise<readonly OperatorRule[] | undefined> {
  try {
    return parseStoredRules(await readFile(file, "utf8"));
  } catch (cause) {
    systemErrorCode(cause);
    return undefined;
  }
}

/** A failure to write is not an error: the files are then parsed again. */
async function store(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(partial, text);
    await rename(partial, file);
  } catch (cause) {
    systemErrorCode(cause);
  }
}
