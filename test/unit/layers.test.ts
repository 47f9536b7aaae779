// The import direction: main -> cli -> workflows -> core, adapters -> core; only cli makes adapters.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/paths.js";

const SOURCE = join(ROOT, "src");

/** The layers that a layer may import. All may import `errors.ts`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ["cli"],
  "compiled-program": ["cli"],
  cli: ["cli", "workflows", "core", "adapters", "errors"],
  workflows: ["workflows", "core", "errors"],
  adapters: ["adapters", "core", "errors"],
  core: ["core", "errors"],
  errors: [],
};
/** An adapter implements the ports of workflows, so it may import these types, and nothing else. */
const PORTS = new Set(["workflows/ports", "workflows/progress"]);
const CORE_PACKAGES = /^(?:yaml|zod|semver|node:(?:crypto|stream|path\/posix|path))$/;
/** Process state is read before cli, and passed down as values. */
const EDGE = ["main", "compiled-program"];
const EDGE_ONLY = /\bprocess\.(?:env|argv|exit|stdout|stderr)\b|\bconsole\./;

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(SOURCE, file), "utf8");
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|import\("([^"]+)"\)/g;
  return [...text.matchAll(pattern)].map(([, typeOnly, from, dynamic]) => ({
    file,
    target: from ?? dynamic ?? "",
    typeOnly: typeOnly !== undefined,
  }));
}

function layerOf(file: string): string {
  return file.split("/")[0]!.replace(/\.ts$/, "");
}

function inside({ file, target }: Import): string | undefined {
  if (!target.startsWith(".")) return undefined;
  return relative(SOURCE, resolve(SOURCE, file, "..", target)).replace(/\.js$/, "");
}

/** A file directly in a layer is a separate room; every other file belongs to its folder. */
function roomOf(path: string): string {
  const parts = path.split("/");
  return parts.length < 3 ? path.replace(/\.ts$/, "") : parts.slice(0, -1).join("/");
}

/** Returns what each place imports from others. `placeOf` names the place of a file. */
function importsBy(placeOf: (path: string) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map<string, Set<string>>();
  for (const one of files.flatMap(importsOf)) {
    const target = inside(one);
    if (target === undefined) continue;
    const [from, to] = [placeOf(one.file), placeOf(target)];
    if (from !== to) imports.set(from, (imports.get(from) ?? new Set()).add(to));
  }
  return imports;
}

/** Returns the places of a cycle in their order, or undefined when there is none. */
function findCycle(imports: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (room: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room];
    if (finished.has(room)) return undefined;
    for (const next of imports.get(room) ?? []) {
      const cycle = visit(next, [...path, room]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(room);
    return undefined;
  };
  for (const room of imports.keys()) {
    const cycle = visit(room, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe("import direction", () => {
  it("finds the imports that it checks", () => {
    expect(files.length).toBeGreaterThan(30);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(100);
  });

  it("allows each layer only its imports", () => {
    const wrong = files.flatMap(importsOf).filter((one) => {
      const layer = layerOf(one.file);
      const target = inside(one);
      if (target === undefined) return layer === "core" && !CORE_PACKAGES.test(one.target);
      if (layer === "adapters" && one.typeOnly && PORTS.has(target)) return false;
      return ALLOWED[layer]?.includes(layerOf(target)) !== true;
    });

    expect(wrong).toEqual([]);
  });

  it("has no cycle between folders, and none between files", () => {
    expect(findCycle(importsBy(roomOf))).toBeUndefined();
    expect(findCycle(importsBy((file) => file.replace(/\.ts$/, "")))).toBeUndefined();
  });

  it("imports zod as a whole: the build then bundles only what is used", () => {
    const named = files.filter((file) =>
      /^import (?!type |\* as z from)[^;]*"zod"/m.test(readFileSync(join(SOURCE, file), "utf8")),
    );

    expect(named).toEqual([]);
  });

  it("has a first line in every file that says what it does", () => {
    const silent = files.filter((file) => {
      const lines = readFileSync(join(SOURCE, file), "utf8").split("\n");
      return !/^\/\/ \S/.test((lines[0]!.startsWith("#!") ? lines[1] : lines[0]) ?? "");
    });

    expect(silent).toEqual([]);
  });

  it("has access to the process only in main and in what loads the program", () => {
    const touching = files
      .filter((file) => !EDGE.includes(layerOf(file)))
      .flatMap((file) => {
        const code = readFileSync(join(SOURCE, file), "utf8").replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
        const found = EDGE_ONLY.exec(code)?.[0];
        return found === undefined ? [] : [{ file, found }];
      });

    expect(touching).toEqual([]);
  });
});
