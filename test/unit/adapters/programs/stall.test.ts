// Programs that transfer nothing any more.
import { expect, it } from "vitest";
import { ProcessError, runProcess } from "../../../../src/adapters/programs/run-process.js";

const { signal } = new AbortController();

it("ends a program that transfers nothing", async () => {
  const error: unknown = await runProcess(["sleep", "60"], { signal, stallMs: 300 }).catch(
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ProcessError);
  expect(error).toMatchObject({ exitCode: undefined, cause: { message: "no data for 0.3 s" } });
});

it("does not end a program that is slow", async () => {
  const slowly = "for i in 1 2 3 4 5 6 7 8; do read -r line < /etc/hostname; sleep 0.1; done; echo done";
  const { stdout } = await runProcess(["sh", "-c", slowly], { signal, stallMs: 500 });
  expect(stdout).toBe("done\n");
});
