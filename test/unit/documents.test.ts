// The documents refer only to existing files, headings, commands and options.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { otherTerms } from "../support/korean-terms.js";
import { runInProcess } from "../support/in-process.js";
import { ROOT } from "../support/paths.js";

const DOCUMENTS = [
  "README.md",
  "README.ko.md",
  "CONTRIBUTING.md",
  "manifests/operators/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** Returns the anchor of a heading as GitHub and GitLab do. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

/** Every use of the program in code blocks and inline code, as the words after its name. */
function invocations(text: string): readonly (readonly string[])[] {
  const lines = text.replaceAll(/\\\n\s*/g, " ");
  const blocks = [...lines.matchAll(/^```(?:sh|yaml)\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const spans = [...lines.replaceAll(/^```.*?^```/gms, "").matchAll(/`([^`]+)`/g)].map(
    ([, span = ""]) => span,
  );
  return [...blocks, ...spans].flatMap((line) => {
    const [, words] = /(?:^|\s|bin\/)viola-airgap ([a-z][^#|>]*)/.exec(line) ?? [];
    return words === undefined ? [] : [words.trim().split(/\s+/)];
  });
}

describe.each(DOCUMENTS)("%s", (name) => {
  const text = read(name);

  it("links to files and headings that exist", () => {
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = "", anchor] = link.split("#");
        const file = path === "" ? name : join(dirname(name), path);
        if (!existsSync(join(ROOT, file))) return true;
        const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
        return anchor !== undefined && !headings.includes(anchor);
      });

    expect(broken).toEqual([]);
  });

  it("refers to files of the repository that exist", () => {
    const paths = [...text.matchAll(/(?<![\w/])(?:src|test|scripts|manifests|\.ci)\/[\w./-]+/g)].map(
      ([path]) => path,
    );

    // Words in capitals are placeholders.
    const named = paths.filter((path) => !/\/[A-Z]+\b(?!\.md)/.test(path));
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe("commands in the documents", () => {
  const helpOf = new Map<string, string>();

  /** Commands that do not exist, and options that the help of their command does not list. */
  const wrongIn = (used: ReturnType<typeof invocations>): readonly string[] =>
    used.flatMap(([command = "", ...words]) => {
      const options = words.flatMap((word) => /^--?[a-z][a-z-]*/.exec(word) ?? []);
      const known = helpOf.get(command);
      if (known === undefined) return [command];
      return options
        .filter((option) => !new RegExp(`(?:^|[\\s,])${option}(?![\\w-])`, "m").test(known))
        .map((option) => `${command} ${option}`);
    });

  beforeAll(async () => {
    for (const command of ["", ...commandsIn(await help())]) helpOf.set(command, await help(command));
  });

  it.each(DOCUMENTS)("%s uses commands and options that exist", (name) => {
    expect(wrongIn(invocations(read(name)))).toEqual([]);
  });

  it("docs/commands.md lists every command", () => {
    const listed = [...read("docs/commands.md").matchAll(/^\| `([a-z]+)/gm)].map(([, command]) => command);

    const commands = [...helpOf.keys()].filter((command) => command !== "");
    expect(listed).toEqual(expect.arrayContaining(commands));
  });

  it("examples in the help use commands and options that exist", () => {
    for (const [command, text] of helpOf) {
      const used = invocations(exampleBlock(text));
      expect(used.length, `help of ${command}`).toBeGreaterThan(0);
      expect(wrongIn(used), `help of ${command}`).toEqual([]);
    }
  });

  it("README.md begins with the main job and the tests", () => {
    const commands = [...read("README.md").matchAll(/^```sh\n(.*?)\n```/gms)].map(([, command]) => command);

    expect(commands.slice(0, 2)).toEqual(["npm ci && npm run demo", "npm ci && npm run test:all"]);
  });
});

describe("README.ko.md", () => {
  const [english, korean] = [read("README.md"), read("README.ko.md")];
  const both = (find: (text: string) => readonly unknown[]): void => {
    expect(find(korean)).toEqual(find(english));
  };
  const prose = (text: string): string => text.replaceAll(/^```.*?^```/gms, "");

  it("has the code blocks of README.md", () => {
    both((text) => text.match(/^```.*?^```/gms) ?? []);
  });

  it("has the same headings, rows, lists and bold starts in the same order", () => {
    const kindOf = (start: string): string =>
      start.startsWith("|") ? `${start.split("|").length} cells` : start;

    both((text) => (prose(text).match(/^(?:#+ |\|.*\|$|- |\*\*)/gm) ?? []).map(kindOf));
  });

  it("links to the same documents", () => {
    both((text) =>
      [...prose(text).matchAll(/\]\(([^)#\s]+(?:#[^)\s]*)?)\)/g)]
        .map(([, link]) => link)
        .filter((link) => !/^README/.test(link ?? ""))
        .sort(),
    );
  });

  it("has the same inline code", () => {
    const codeOf = (text: string): readonly string[] =>
      (prose(text).match(/`[^`]+`/g) ?? []).map((code) => code.replaceAll(/\s+/g, " "));

    both((text) => [...new Set(codeOf(text))].sort());
  });

  it("is Korean, with one term for one thing", () => {
    const english = prose(korean)
      .split(/\n\n+/)
      .filter((paragraph) => /[a-z]{3} [a-z]{3}/i.test(paragraph) && !/\p{Script=Hangul}/u.test(paragraph));

    expect(english.filter((paragraph) => !/^(?:GitHub|GitLab) /.test(paragraph))).toEqual([]);
    expect(otherTerms(prose(korean))).toEqual([]);
  });
});

/** The examples of a help text as a code block. */
function exampleBlock(text: string): string {
  return ["```sh", text.split("\nExamples:\n")[1] ?? "", "```"].join("\n");
}

function commandsIn(text: string): readonly string[] {
  return [...text.matchAll(/^ {2}([a-z]+) (?:\[options\]|<)/gm)].map(([, command = ""]) => command);
}

async function help(command = ""): Promise<string> {
  return (await runInProcess(command === "" ? ["--help"] : [command, "--help"])).stdout;
}
