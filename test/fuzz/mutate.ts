// Changes inputs at random, but the same way for the same seed.

/** Returns numbers from 0 up to, not including, `limit`. */
export type Random = (limit: number) => number;

/** Returns the generator of Tommy Ettinger, "mulberry32", which has a period of 2^32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Texts that mean something to one of the parsers, or to a terminal or a shell. */
const WORDS = [
  ...Array.from("{}[]()<>,:;\"'`|&*!%@#?-=\\/~^$.\n\r\t \0\u001b\u007f\u0085\u202e\u2028\ufeff\ud800"),
  "\n---\n",
  "\n...\n",
  "\n# Source: app/templates/x.yaml\n",
  "- ",
  "? ",
  ": ",
  "|\n  ",
  ">-\n  ",
  "&a ",
  "*a",
  "<<: *a",
  "!!binary ",
  "!<tag:yaml.org,2002:js/function> ",
  "{{ .Values.x }}",
  "__proto__",
  "constructor",
  "toString",
  '"__proto__": {"a": 1},',
  "__proto__: {a: 1}\n",
  "--kubeconfig=/x",
  "\u001b[2J",
  "../../../etc/passwd",
  "null",
  "true",
  "-1",
  "0",
  "1e400",
  "9".repeat(400),
  "sha256:",
  "sha256:" + "0".repeat(64),
  "docker.io/library/busybox:1",
  "kind: List\nitems:\n",
  "image: quay.io/x/y:1\n",
  "a/".repeat(60) + "b",
];

const LONGEST = 48 * 1024;

/** Returns one input made of the corpus by one to six changes. */
export function mutate(corpus: readonly Buffer[], random: Random): Buffer {
  let bytes = Buffer.from(pick(corpus, random) ?? "");
  const change = pick([changeBytes, changeBytes, changeBytes, changeJson] as const, random) ?? changeBytes;
  for (let changes = 1 + random(6); changes > 0; changes--) bytes = change(bytes, corpus, random);
  return bytes.subarray(0, LONGEST);
}

type Change = (bytes: Buffer, corpus: readonly Buffer[], random: Random) => Buffer<ArrayBuffer>;

const changeBytes: Change = (bytes, corpus, random) => {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(random(4) === 0 ? bytes.length + 1 : 16));
  const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const word = Buffer.from(pick(WORDS, random) ?? "");
  switch (random(9)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8));
      return flipped;
    }
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, middle, middle, after]);
    case 3:
      return Buffer.concat([before, word, after]);
    case 4:
      return Buffer.concat([before, word, bytes.subarray(at)]);
    case 5:
      return Buffer.from(before);
    case 6: {
      const other = pick(corpus, random) ?? bytes;
      return Buffer.concat([before, other.subarray(random(other.length + 1))]);
    }
    case 7: {
      const times = random(random(8) === 0 ? 8192 : 64);
      return Buffer.concat([before, Buffer.alloc(Math.min(LONGEST, times * word.length), word), after]);
    }
    default: {
      const noise = Buffer.from(Array.from({ length: random(12) }, () => random(256)));
      return Buffer.concat([before, noise, after]);
    }
  }
};

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  "",
  "__proto__",
  "--option",
  "\u001b[31m",
  "a\nb",
  "x".repeat(5000),
  [],
  {},
  [[]],
  [null],
  Array.from({ length: 300 }, () => 0),
  Array.from({ length: 50 }, () => ({})),
];

/** Changes a value or a key of JSON, and the bytes of any other text. */
const changeJson: Change = (bytes, corpus, random) => {
  let root: unknown;
  try {
    root = JSON.parse(bytes.toString("utf8"));
  } catch {
    return changeBytes(bytes, corpus, random);
  }
  const places: { readonly of: Record<string, unknown>; readonly key: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || places.length > 2000) return;
    for (const [key, child] of Object.entries(value)) {
      places.push({ of: value as Record<string, unknown>, key });
      visit(child);
    }
  };
  visit(root);
  const place = pick(places, random);
  if (place === undefined) return Buffer.from(JSON.stringify(pick(VALUES, random) ?? null));
  const { of, key } = place;
  switch (random(4)) {
    case 0:
      Reflect.deleteProperty(of, key);
      break;
    case 1:
      Object.defineProperty(of, pick(["__proto__", "constructor", "toString", "x"], random) ?? "x", {
        value: of[key],
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    case 2:
      of[key] = [of[key], of[key]];
      break;
    default:
      of[key] = pick(VALUES, random);
  }
  return Buffer.from(JSON.stringify(root));
};

function pick<T>(list: readonly T[], random: Random): T | undefined {
  return list[random(list.length)];
}
