// Progress on stderr: amount, rate and remaining time of a step.
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatAdvance, showProgress, type ProgressDisplay } from "../../../src/cli/progress.js";

const bytes = { kind: "started", step: "fetch", title: "Fetching", unit: "bytes" } as const;
const at = (done: number, more: { readonly total?: number; readonly detail?: string } = {}) =>
  ({ kind: "advanced", step: "fetch", done, ...more }) as const;

describe("formatAdvance", () => {
  it("formats amount, rate and remaining time", () => {
    expect(formatAdvance({ ...bytes, total: 40e6 }, at(10e6), 2_000)).toBe(
      "10.0 MB of 40.0 MB, 5.00 MB/s, 6.0 s left",
    );
  });

  it("uses a total that becomes known later", () => {
    expect(formatAdvance(bytes, at(10e6, { total: 20e6 }), 2_000)).toContain("2.0 s left");
    expect(formatAdvance({ ...bytes, total: 40e6 }, at(10e6, { total: 20e6 }), 2_000)).toContain(
      "2.0 s left",
    );
  });

  it("omits the remaining time without a total, at the start, and at the end", () => {
    for (const text of [
      formatAdvance(bytes, at(10e6), 2_000),
      formatAdvance({ ...bytes, total: 40e6 }, at(0), 2_000),
      formatAdvance({ ...bytes, total: 40e6 }, at(40e6), 2_000),
    ])
      expect(text).not.toContain("left");
  });

  it("counts things without a rate, and adds the detail", () => {
    const things = { kind: "started", step: "fetch", title: "Resolving", total: 4 } as const;
    expect(formatAdvance(things, at(1, { detail: "quay.io/a/b" }), 2_000)).toBe(
      "1 of 4, 6.0 s left, quay.io/a/b",
    );
  });
});

describe("showProgress", () => {
  let written: string;
  const display = (isQuiet: boolean): ProgressDisplay => {
    const stderr = new PassThrough();
    stderr.on("data", (chunk: Buffer) => (written += chunk.toString()));
    return showProgress(stderr as unknown as NodeJS.WriteStream, { isQuiet });
  };
  beforeEach(() => {
    written = "";
    vi.useFakeTimers({ toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("writes occasional lines, and one at the end, without a terminal", async () => {
    const shown = display(false);
    shown.onProgress({ ...bytes, total: 40e6 });
    for (let second = 1; second <= 11; second++) {
      vi.advanceTimersByTime(1_000);
      shown.onProgress(at(second * 1e6));
    }
    shown.onProgress({ kind: "ended", step: "fetch", summary: "3 blobs" });
    await shown.stop();

    expect(written.trim().split("\n")).toEqual([
      "Fetching: 5.00 MB of 40.0 MB, 1.00 MB/s, 35 s left",
      "Fetching: 10.0 MB of 40.0 MB, 1.00 MB/s, 30 s left",
      "Fetching: 3 blobs, 11 s",
    ]);
  });

  it("marks an open step as stopped", async () => {
    const shown = display(false);
    shown.onProgress(bytes);
    await shown.stop();

    expect(written).toBe("Fetching: stopped\n");
  });

  it("shows only notes with --quiet", async () => {
    const shown = display(true);
    shown.onProgress(bytes);
    shown.onProgress({ kind: "note", message: "retrying" });
    await shown.stop();

    expect(written).toBe("retrying\n");
  });
});
