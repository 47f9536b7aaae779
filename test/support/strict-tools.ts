// Tools with only the options of macOS. Options that POSIX and BSD do not have are rejected with
// exit code 64 and a line on stderr.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** `case` patterns of arguments that only the programs of GNU or busybox accept. */
const GNU_ONLY: Readonly<Record<string, string>> = {
  cut: "--*",
  date: "-d*|-I*|*%N*",
  dd: "status=*|iflag=*|oflag=*|bs=*[A-Zb-z]",
  df: "-B*|-T|-h*",
  grep: "-*P*|-z",
  head: "-[nc]-*|-[0-9]*|-q",
  mktemp: "-p*|-u|-t*",
  od: "-w*|-S*",
  readlink: "-[emfz]*",
  sed: "-r|-s|-u|-z|-i*",
  sort: "-V|-R|-z|-h",
  stat: "-c*",
  tail: "-n*-*|-q|-s*",
  tr: "-t*",
  wc: "-L",
  xargs: "-r|-d*",
};
/** Extensions of GNU's basic regular expressions and of its `s` command. */
const GNU_EXPRESSION = "*'\\|'*|*'\\+'*|*'\\?'*|*'\\n'*|*'\\t'*|*'\\s'*|*'\\w'*|*'\\b'*|*'\\<'*";

/** A file in the folder with a line for each rejected call, because a script may hide it. */
export const REFUSED = "refused.txt";

/** Adds tools to an existing folder by name, with a check of their arguments. */
export function offerStrict(folder: string, tools: Readonly<Record<string, string>>): void {
  writeFileSync(join(folder, REFUSED), "");
  for (const [tool, program] of Object.entries(tools)) {
    const patterns = ["--?*", GNU_ONLY[tool], ["sed", "grep"].includes(tool) ? GNU_EXPRESSION : undefined];
    const refusal = `echo "${tool}: no such option here: $argument" >&2; echo "${tool} $argument" >>'${join(folder, REFUSED)}'; exit 64`;
    const script = `#!/bin/sh\nfor argument; do case $argument in ${patterns.filter(Boolean).join("|")}) ${refusal} ;; esac; done\nexec ${program} "$@"\n`;
    writeFileSync(join(folder, tool), script, { mode: 0o755 });
  }
}
