// Programs in Go that are compared with this one, or that use it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { partsPath } from "./home.js";

/**
 * Returns the path of the program of a package, such as `example.com/tools/cmd/tool@v1.2.3`. Any
 * version on PATH is taken. Otherwise it is built once if Go is installed; undefined when it is not
 * available.
 */
export function findGoProgram(goPackage: string): string | undefined {
  const name = /([^/@]+)@[^/]*$/.exec(goPackage)?.[1] ?? goPackage;
  const built = partsPath("bin", name);
  const folders = [...(process.env["PATH"] ?? "").split(":"), join(homedir(), "go/bin")];
  const found = [...folders.map((folder) => join(folder, name)), built].find((file) => existsSync(file));
  if (found !== undefined) return found;
  try {
    execFileSync("go", ["install", goPackage], {
      stdio: "ignore",
      env: { ...process.env, GOBIN: partsPath("bin") },
    });
  } catch {
    // The file is looked for below.
  }
  return existsSync(built) ? built : undefined;
}
