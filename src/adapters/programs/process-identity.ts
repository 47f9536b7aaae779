// Tells a process from later processes with the same id.
import { readFile } from "node:fs/promises";
import { isSystemError } from "../../errors.js";
import { ProcessError, runProcess } from "./run-process.js";

/**
 * Returns a text that identifies the process: its start time, and on Linux also the boot of the
 * system. Two processes that had the same id have different texts. Returns undefined if the process
 * does not exist, and an empty text if this system cannot tell.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  if (process.platform !== "linux") return startedAt(pid);
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // proc(5): the name in parentheses may contain anything; the start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot.trim()} ${fields[19] ?? ""}`;
  } catch (cause) {
    if (isSystemError(cause, "ENOENT", "ESRCH")) return isAlive(pid) ? "" : undefined;
    throw cause;
  }
}

async function startedAt(pid: number): Promise<string> {
  try {
    const argv = ["ps", "-o", "lstart=", "-p", String(pid)];
    return (await runProcess(argv, { signal: AbortSignal.timeout(5_000) })).stdout.trim();
  } catch (cause) {
    if (cause instanceof ProcessError) return "";
    throw cause;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return isSystemError(cause, "EPERM");
  }
}
