// Values that are left out of a bundle: nothing of them is in it, and installing requires them.
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import {
  BUNDLED_VALUES,
  requireValues,
  withheldReleases,
  withholdValues,
} from "../../../../src/core/bundle/bundled-values.js";
import type { InventoryRelease } from "../../../../src/core/bundle/inventory.js";

const release: InventoryRelease = {
  name: "app",
  namespace: "apps",
  chart: { name: "app", version: "1" },
  file: "charts/app-1.tgz",
  sha256: "0".repeat(64),
  values: ["values/app.1.yaml", "values/app.2.yaml"],
};
const VALUES = `# the password is hunter2
db: &db { password: hunter2, port: 5432, users: [{ name: hunter2, admin: true }, hunter2] }
copy: { <<: *db, "on": hunter2 }
empty: {}
`;
const files = [
  { path: release.file, bytes: Buffer.from("a chart") },
  ...release.values.map((path) => ({ path, bytes: Buffer.from(VALUES) })),
];

describe("withholding", () => {
  it("changes nothing of all values, or of a release without any", () => {
    expect(withholdValues(release, files, "all")).toEqual({ release, files });
    const bare = { ...release, values: [] };
    expect(withholdValues(bare, files.slice(0, 1), "none")).toEqual({
      release: bare,
      files: files.slice(0, 1),
    });
  });

  it("leaves no values file, and says so", () => {
    expect(withholdValues(release, files, "none")).toEqual({
      release: { ...release, values: [], withheldValues: { keys: [] } },
      files: files.slice(0, 1),
    });
  });

  it("leaves the keys and nothing that was a value, a list item or a comment", () => {
    const { release: after, files: left } = withholdValues(release, files, "keys");

    expect(after).toMatchObject({
      values: [],
      withheldValues: { keys: ["values/app.1.keys.yaml", "values/app.2.keys.yaml"] },
    });
    expect(left.map(({ path }) => path)).toEqual([release.file, ...(after.withheldValues?.keys ?? [])]);
    for (const { bytes } of left.slice(1)) {
      const text = Buffer.from(bytes).toString();
      expect(text).not.toMatch(/hunter2|5432|true/);
      const db = { password: null, port: null, users: [{ name: null, admin: null }, null] };
      expect(parse(text)).toEqual({ db, copy: { ...db, on: null }, empty: {} });
    }
  });

  it("reads the first document, as helm does", () => {
    const several = [{ path: "values/app.1.yaml", bytes: Buffer.from("a: 1\n---\nb: 2\n") }];

    const { files: left } = withholdValues(release, several, "keys");

    expect(parse(Buffer.from(left[0]?.bytes ?? "").toString())).toEqual({ a: null });
  });

  it.each([
    ["a list that is not closed", "a: ["],
    ["a map in a line", "a: b: c"],
    ["a tabulator", "\ta: 1"],
    ["an alias without an anchor", "a: *b"],
    ["too many brackets", `a: ${"[".repeat(100_000)}`],
    ["aliases of aliases", aliasBomb()],
  ])("names a values file that cannot be read: %s", (_, text) => {
    const wrong = [{ path: "values/app.1.yaml", bytes: Buffer.from(text) }];
    expect(() => withholdValues(release, wrong, "keys")).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID", subject: "values/app.1.yaml" }),
    );
  });
});

/** Ten million values, in a few lines. */
function aliasBomb(): string {
  const levels = Array.from({ length: 7 }, (_, level) => {
    return `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(", ")}]`;
  });
  return ["l0: &l0 [a]", ...levels].join("\n");
}

describe("installing", () => {
  it.each(BUNDLED_VALUES)("requires values unless the bundle has them: %s", (wanted) => {
    const { release: bundled } = withholdValues(release, files, wanted);
    const require =
      (...given: string[]) =>
      () => {
        requireValues([bundled], given);
      };
    expect(withheldReleases([bundled])).toEqual(wanted === "all" ? [] : ["app"]);
    if (wanted === "all") expect(require()).not.toThrow();
    else expect(require()).toThrow(expect.objectContaining({ code: "USAGE", subject: "app" }));
    expect(require("mine.yaml")).not.toThrow();
  });
});
