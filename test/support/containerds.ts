// Other containerds than the one on PATH, from the shared test programs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { partsPath } from "../../scripts/parts/home.js";
import { sharedPath } from "./paths.js";
import { noteLeftOut } from "./run-folder.js";

const VERSIONS = ["containerd-1.7", "containerd-2.0"];

/**
 * Returns a name and a folder of programs for every containerd that is at hand; the first is that
 * on PATH, without a folder. Unpacks the others where that has not been done. Throws when the
 * archive is there and lacks one, so that nothing goes untested unseen.
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
