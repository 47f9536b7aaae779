// The group `resume`: resuming a build after a kill, compared with a complete build.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sideBySide, type Cost, type Line } from "./lines.js";
import { buildArguments, buildEnvironment, oursBuild } from "./ours.js";
import { withFolder, type Stack } from "./stack.js";
import { timed } from "./timed.js";

/**
 * Measures a build after an earlier one was killed with half of all bytes written. The peer is a
 * complete build.
 */
export async function* resumeLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  yield await sideBySide(
    { id: "resume/half", goal: { atMost: 0.6 }, note: "peer: a complete build" },
    rounds,
    { peer: () => oursBuild(stack, stack.plain), ours: () => resumedBuild(stack) },
  );
}

function resumedBuild(stack: Stack): Promise<Cost> {
  return withFolder(async (folder) => {
    const file = join(folder, "viola.bundle");
    const args = buildArguments(stack, stack.plain, file);
    const env = buildEnvironment(stack.plain);
    const all = stack.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    await killAtHalf(args, env, () => journaledBytes(`${file}.partial.journal`) >= all / 2);
    return timed(process.execPath, args, { env });
  });
}

/**
 * Starts the build and kills it with SIGKILL when it is half done. Throws when the build ends
 * earlier, because nothing is left to resume.
 */
async function killAtHalf(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  isHalf: () => boolean,
): Promise<void> {
  const child = spawn(process.execPath, args, { env: { ...env }, stdio: "ignore" });
  const look = setInterval(() => {
    if (isHalf()) child.kill("SIGKILL");
  }, 2);
  const signal = await new Promise<string | null>((resolve, reject) =>
    child.on("error", reject).on("close", (_, killedBy) => {
      resolve(killedBy);
    }),
  ).finally(() => {
    clearInterval(look);
  });
  if (signal === null)
    throw new Error("resume/half: the build ended before it could be killed; use a larger --scale");
}

/** Returns the total size of the blobs that are complete according to the journal. */
function journaledBytes(journal: string): number {
  let text: string;
  try {
    text = readFileSync(journal, "utf8");
  } catch {
    return 0;
  }
  // The last line may be incomplete.
  return text
    .split("\n")
    .slice(1, -1)
    .reduce((sum, line) => sum + (JSON.parse(line) as { readonly size: number }).size, 0);
}
