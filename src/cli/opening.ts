// Opens the bundle of a command with the bases that `--base` names.
import { resolve } from "node:path";
import type { Option } from "commander";
import { ViolaError } from "../errors.js";
import type { InputPath } from "../core/output-path.js";
import { openWithBases } from "../workflows/open-with-bases.js";
import type { OpenBundle } from "../workflows/ports.js";
import { listOption } from "./command-line.js";
import type { CommandRuntime } from "./runtime.js";

/** The option of every command that reads a bundle. */
export interface BaseFlags {
  readonly base: readonly string[];
}

export function baseOption(): Option {
  return listOption("--base <bundle>", "base of a differential bundle, and the bases of that base");
}

/** Opens the bundle; see `openWithBases`. Paths are as the user wrote them. */
export function openGiven(file: string, { base }: BaseFlags, runtime: CommandRuntime): Promise<OpenBundle> {
  const path = (text: string): string => resolve(runtime.cwd, text);
  return openWithBases(path(file), base.map(path), runtime);
}

/** Returns the files of the option, which outputs must not overwrite. */
export function baseInputs({ base }: BaseFlags, cwd: string): readonly InputPath[] {
  return base.map((text) => ({ what: "a base of the bundle", path: resolve(cwd, text) }));
}

/** Throws `USAGE` if the option was given for a spec, which has no base. */
export function refuseBases({ base: [first] }: BaseFlags): void {
  if (first === undefined) return;
  throw new ViolaError("USAGE", "--base applies to a bundle, not to a spec", {
    subject: "--base",
    hint: "Omit --base. `build --base` makes a differential bundle of a spec.",
  });
}
