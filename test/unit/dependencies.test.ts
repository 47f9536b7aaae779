// The dependencies: licences that may be passed on, install scripts that somebody has looked at, no
// address of a registry, and versions with a checksum.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/paths.js";

interface LockedPackage {
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  /** True for a package inside the archive of another, whose checksum covers it. */
  readonly inBundle?: boolean;
}

/** Permissive licences, and MPL-2.0, which covers only the files of the package. */
const PERMITTED = new Set(
  "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BlueOak-1.0.0 ISC MIT MPL-2.0 Unlicense".split(" "),
);

const readJson = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const { packages } = readJson("package-lock.json") as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const locked = Object.entries(packages).filter(([folder]) => folder !== "");

/** The licence in the lock file; old packages state it in a list that npm does not copy there. */
function licenceOf(folder: string, { license }: LockedPackage): string {
  if (license !== undefined) return license;
  const { licenses } = readJson(join(folder, "package.json")) as {
    readonly licenses?: readonly { readonly type: string }[];
  };
  return licenses?.map(({ type }) => type).join(" OR ") ?? "none";
}

describe("the dependencies", () => {
  it("have licences that permit to pass them on", () => {
    const refused = locked
      .map(([folder, entry]) => `${folder}: ${licenceOf(folder, entry)}`)
      .filter((line) => {
        const choices = line.replace(/^.*: /, "").replaceAll(/[()]/g, "").split(" OR ");
        return !choices.some((licence) => PERMITTED.has(licence));
      });

    expect(refused).toEqual([]);
  });

  it("have no install script that is not refused by name", () => {
    const { allowScripts } = readJson("package.json") as {
      readonly allowScripts: Readonly<Record<string, boolean>>;
    };
    const withScript = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([folder]) => folder.replace(/^.*node_modules\//, ""));

    expect(Object.fromEntries(withScript.sort().map((name) => [name, false]))).toEqual(allowScripts);
  });

  it("have a checksum, and no address of a registry", () => {
    const wrong = locked.filter(
      ([, { integrity, inBundle, resolved }]) =>
        (integrity === undefined && inBundle !== true) || resolved !== undefined,
    );

    expect(wrong.map(([folder]) => folder)).toEqual([]);
  });
});
