// Other versions of containerd than the one on PATH, from the shared test programs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { partsPath } from "../../scripts/parts/home.js";
import { sharedPath } from "./paths.js";
import { noteLeftOut } from "./run-folder.js";

const VERSIONS = ["containerd-1.7", "containerd-2.0"];

/**
 * Returns a name and a folder of programs for each available containerd. The first is that on PATH,
 * without a folder. Unpacks the others if needed. Throws when the archive exists but lacks one, so
 * that no version is skipped unnoticed.
 */
export function containerds(): readonly (readonly [string, string | undefined])[] {
  const archive = sharedPath("kube/programs.tar.xz");
  const onPath = ["on PATH", undefined] as const;
  if (!existsSync(archive)) {
    noteLeftOut(expect.getState().testPath ?? "", "other versions of containerd: no folder ../shared/kube");
    return [onPath];
  }
  const home = partsPath("containerds");
  mkdirSync(home, { recursive: true });
  const missing = VERSIONS.filter((version) => !existsSync(join(home, version)));
  if (missing.length > 0) {
    const folder = mkdtempSync(join(home, "unpacking-"));
    const members = missing.map((version) => `${version}/*`);
    execFileSync("tar", ["-C", folder, "-xJf", archive, "--wildcards", ...members]);
    for (const version of missing) renameSync(join(folder, version), join(home, version));
    rmSync(folder, { recursive: true });
  }
  return [onPath, ...VERSIONS.map((version) => [version, join(home, version)] as const)];
}
