// Processes of the local node: none outlives the load that started it.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { localShell } from "../../../../src/adapters/exec/local-shell.js";

const shell = localShell(process.env);
/** Ignores the end of its input and SIGTERM. A child process also keeps the output open. */
const HUNG = `trap '' TERM HUP; echo $$; sleep 1000 & sleep 1000`;

/** Returns the commands that run in the process group. */
function groupOf(leader: string): string {
  return execFileSync("ps", ["-eo", "pgid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.trim().startsWith(`${leader} `))
    .join("\n");
}

test("a process that hangs is killed with its children when its reader stops", async () => {
  const session = await shell.open(["sh", "-c", HUNG], new AbortController().signal);
  let leader = "";
  for await (const { bytes } of session.output) {
    leader = bytes.toString().trim();
    break;
  }
  expect(groupOf(leader)).toContain("sleep 1000");

  session.destroy();

  await expect.poll(() => groupOf(leader), { timeout: 20_000 }).toBe("");
});

test("a command that hangs rejects with the signal's reason", async () => {
  const controller = new AbortController();
  const running = shell.exec(["sh", "-c", HUNG], controller.signal);

  controller.abort();

  await expect(running).rejects.toBe(controller.signal.reason);
});

test("a process may end after its input", async () => {
  const { signal } = new AbortController();
  const session = await shell.open(["sh", "-c", "cat >/dev/null; echo clean"], signal);

  session.destroy();

  let said = "";
  for await (const { bytes } of session.output) said += bytes.toString();
  expect(said).toBe("clean\n");
  expect(await session.exitCode(signal)).toBe(0);
});
