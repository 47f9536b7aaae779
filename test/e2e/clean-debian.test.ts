// The first command of the README on a Debian with only Node and npm.
import { expect, it } from "vitest";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";

const describeAll = await needs("ci", "debootstrap", "root");

// It creates a Debian first.
describeAll("the first command of the README", { timeout: 1_800_000 }, () => {
  it("succeeds in a clean Debian 12, and prints the audit of its bundle", async () => {
    const { code, stdout, stderr } = await run("scripts/parts/clean-debian.sh", [], { cwd: ROOT });

    expect({ code, said: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, said: "" });
    expect(stdout).toMatch(/^COMPONENT .*PLATFORMS/m);
  });
});
