// The subset of YAML that is read without the YAML parser: for every text in it, both give the same.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBlockYaml } from "../../../src/core/block-yaml.js";
import { AS_KUBERNETES, parseYaml, toValue } from "../../../src/core/parse-yaml.js";
import { ROOT } from "../../support/paths.js";

/** Returns what the YAML parser makes of the text, or its first error. */
function parsed(text: string): unknown {
  try {
    const document = parseYaml(text, AS_KUBERNETES);
    return document.errors[0]?.code ?? { value: toValue(document) };
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** Compares the results, with the order of keys. Returns whether the text is in the subset. */
function compare(text: string): boolean {
  const value = readBlockYaml(text);
  if (value === undefined) return false;
  const expected = parsed(text);
  expect(JSON.stringify({ value }), JSON.stringify(text)).toBe(JSON.stringify(expected));
  expect({ value }).toEqual(expected);
  return true;
}

const OBJECT = `# Source: app/templates/all.yaml
apiVersion: apps/v1   # a comment
kind: Deployment
metadata:
  name: "a"
  labels: {}
  annotations:
    {"a/b": "it's", "n": [1, 2.5, null, true]}
  "quoted key": 'it''s'
  empty:
  finalizers: []
spec:
  replicas: 2
  ratio: .5
  names: [ "a", "b" ]
  template:
    spec:
      containers:
      - name: a
        image: quay.io/acme/a:v1@sha256:0
        args:
          - --flag=x:y
          - "--text=a \\"b\\"\\n"
          -
            - nested
          - - more
        command: ["sh", "-c", "exec a"]
      # The next list has more indentation than its key.
      volumes:
        - name: b

          configMap:
            name: b
        - null
data:
  text: |
    first

      indented # no comment
    last

  stripped: |-
    one
    two
  kept: |+
    one

  time: 2024-01-01
  port: "8080"
  yes: yes
  octal: 0777
  plus: +1
  sum: e70bf6a8
  folded: >-
    one
    two

    three
  foldedWithEnd: >
    one
    two
  double: "one
    two \\"three\\"

    four" # a comment
  single: 'one
    it''s

    two'
  flow: {a: b, c: [1, "x y", 'z'], d: {e: true}} # a comment
  json: ["a"] # a comment
  colon: :a:b
`;

describe("readBlockYaml", () => {
  it("reads what rendered objects are written in", () => {
    expect(compare(OBJECT)).toBe(true);
  });

  const others = [
    ["an anchor", "a: &x 1\nb: *x\n"],
    ["a tag", "a: !!str 1\n"],
    ["a merge key", "a: 1\n<<: {}\n"],
    ["text on several lines", "a: one\n  two\n"],
    ["quoted text whose line ends with an escape", 'a: "one\\\n  two"\n'],
    ["quoted text that continues without indentation", 'a: "one\ntwo"\n'],
    ["a folded block with further indentation", "a: >\n  one\n    two\n"],
    ["a block with a given indentation", "a: |2\n    one\n"],
    ["a map in flow style with a value of several words", "a: {b: c d}\n"],
    ["a list in flow style on several lines", "a: [b,\n  c]\n"],
    ["a value with a colon", "a: b: c\n"],
    ["a key without a space", "a:b\n"],
    ["a key of a prototype", "__proto__: { }\n"],
    ["a key that is no text", "null: 1\n"],
    ["a key that is a number", ".5: 1\n"],
    ["a tab", "a:\tb\n"],
    ["other line ends", "a: b\r\nc: d\r\n"],
    ["wrong indentation", "a:\n    b: 1\n  c: 2\n"],
    ["another document", "a: 1\n---\nb: 1\n"],
    ["numbers of other kinds", "a: 0x1f\n"],
    ["no document", "# nothing\n"],
    ["a block that ends without a line break", "a: |\n  b"],
  ] as const;
  it.each(others)("leaves %s to the YAML parser", (_, text) => {
    expect(readBlockYaml(text)).toBeUndefined();
  });

  it("leaves texts to the parser that may exceed its limits", () => {
    expect(readBlockYaml("- a\n".repeat(20_000))).toBeUndefined();
    expect(readBlockYaml(`a: ${"[".repeat(500)}${"]".repeat(500)}\n`)).toBeUndefined();
    expect(
      readBlockYaml(Array.from({ length: 200 }, (_, level) => `${" ".repeat(level)}a:\n`).join("")),
    ).toBeUndefined();
    expect(readBlockYaml(`a: |\n  ${"x".repeat(4_000_000)}\n`)).toBeUndefined();
    expect(readBlockYaml(`a: [${"1,".repeat(60_000)}1]\n`)).toBeUndefined();
  });

  // Every change makes another text, most of which is still YAML, in the subset or not.
  it("gives the same as the YAML parser for changed texts", () => {
    const folder = join(ROOT, "test/fixtures/fuzz");
    const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
    const texts = [OBJECT, ...files.map((name) => readFileSync(join(folder, name), "utf8"))];
    let seed = 1;
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((seed / 0x80000000) * limit);
    };
    let inside = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const lines = (texts[random(texts.length)] ?? "").split("\n");
      const part = lines.splice(random(lines.length), 3 + random(20));
      const margin = Math.min(
        ...part.filter((line) => line.trim() !== "").map((line) => line.search(/[^ ]/)),
      );
      const changed = part.map((line) => line.slice(margin));
      for (let changes = random(3); changes > 0; changes--) {
        const at = random(changed.length);
        const line = changed[at] ?? "";
        const place = random(line.length + 1);
        const piece = PIECES[random(PIECES.length)] ?? "";
        const edits = [[], [line, line], [` ${line}`], [line.replace(/^ /, "")]];
        changed.splice(
          at,
          1,
          ...(edits[random(8)] ?? [line.slice(0, place) + piece + line.slice(place + random(2))]),
        );
      }
      if (compare(changed.join("\n") + (random(5) === 0 ? "" : "\n"))) inside++;
    }
    expect(inside).toBeGreaterThan(ROUNDS / 10);
  });
});

const ROUNDS = 4000;

/** What changes the meaning of YAML. */
const PIECES: readonly string[] = [
  ...[
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "#",
    " #x",
    "# c\n",
    "- ",
    "-",
    "- - a\n",
    ":",
    ": ",
    "a: b\n",
    "  a: b\n",
    "? ",
  ],
  ...[
    "'",
    "''",
    '"',
    "\\",
    '"\\n"',
    "|",
    "|-\n",
    "|+",
    "|2\n",
    "> ",
    "k: |\n    x\n",
    "    y\n",
    "   \n",
    "  # c\n",
  ],
  ...[
    "{}",
    "[]",
    "[1, 2]",
    '{"a": 1}',
    "{a: b, c: [d, 1]}",
    ">-\n",
    "'a\n",
    '"a\n',
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a",
    "*a",
    "!!str ",
    "<<: ",
    "%",
    "@",
    "`",
    "---\n",
    "...",
  ],
  ...[
    "null",
    "~",
    "true",
    "Yes",
    "1e3",
    "0x1f",
    "0o7",
    ".5",
    "5.",
    "+1",
    "-0",
    "012",
    ".inf",
    "1_000",
    "2001-01-01",
    "=",
  ],
  ...["é", "\u00a0", "\u0085", "\u2028", "\u007f", "__proto__"],
];
