// Writes the `releases` of operators of the knowledge base, read from their source code at every tag.
//   npx tsx scripts/operator-table.ts CHECKOUT ID…
// CHECKOUT is a git repository with tags (a bare one is enough), or a folder of these named
// OWNER+NAME/repo. The field `table` of manifests/operators/ID.yaml says which files to read. Without
// an ID, all entries with a table are written.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, valid } from "semver";
import { stringify } from "yaml";
import { loadOperators } from "../src/adapters/files/read-operators.js";
import type { OperatorRule, OperatorTable } from "../src/core/finding/operator-rules.js";
import { isInRange, readTagVersion, type TagVersion } from "../src/core/finding/tag-range.js";
import { formatted } from "./formatted.js";

const FOLDER = fileURLToPath(new URL("../manifests/operators", import.meta.url));

type Values = Readonly<Record<string, string | null>>;

/** What the source code says at one tag; without values if the facts do not hold there. */
interface TagFacts extends TagVersion {
  /** Tags of the image built from it that have no version. */
  readonly builds: readonly string[];
  readonly values: Values | undefined;
}

/** Consecutive tags of one minor version with the same values. */
interface Range {
  readonly prefix: string;
  readonly first: string;
  readonly last: string;
  readonly builds: readonly string[];
  readonly values: Values;
}

const [checkout = "", ...ids] = process.argv.slice(2);
if (!existsSync(checkout)) throw new Error("usage: npx tsx scripts/operator-table.ts CHECKOUT [ID…]");
const operators = await loadOperators([FOLDER]);
const unknown = ids.filter((id) => !operators.some((rule) => rule.id === id && rule.table !== undefined));
if (unknown.length > 0) throw new Error(`no entry with a table: ${unknown.join(", ")}`);
for (const rule of operators) {
  if (rule.table === undefined || (ids.length > 0 && !ids.includes(rule.id))) continue;
  const git = gitFolder(rule.table);
  const facts = readFacts(rule.table, git);
  if (facts.length === 0) throw new Error(`${rule.id}: no tag of ${git} has what the table looks for`);
  const all = inOrder([...facts, ...factsElsewhere(rule, facts)]);
  const ranges = toRanges(all, Object.keys(rule.table.values).length > 0);
  await writeReleases(rule, ranges);
  const read = facts.filter(({ values }) => values !== undefined);
  console.log(`${rule.id}: ${read.length} tags, ${ranges.length} ranges`);
}

function gitFolder({ repository }: OperatorTable): string {
  const [owner = "", name = ""] = new URL(repository).pathname.slice(1).split("/");
  const inFolder = join(checkout, `${owner}+${name}`, "repo");
  return existsSync(inFolder) ? inFolder : checkout;
}

/** Reads all tags of the table. */
function readFacts(
  { gitTags, imageTag, builds, versions, values, holds }: OperatorTable,
  git: string,
): readonly TagFacts[] {
  const names = execFileSync("git", ["-C", git, "tag"], { encoding: "utf8" }).split("\n");
  const facts: TagFacts[] = [];
  for (const name of names) {
    const gitTag = new RegExp(gitTags).exec(name)?.[1];
    if (gitTag === undefined) continue;
    const texts = new Map<string, string>();
    const read = (file: string): string => {
      const text = texts.get(file) ?? showFile(git, name, file);
      texts.set(file, text);
      return text;
    };
    const find = (places: OperatorTable["holds"][number]): string | undefined => {
      for (const { file, match, last, suffix = "" } of places) {
        const matches = [...read(file).matchAll(new RegExp(match, "gm"))];
        const found = last === true ? matches.at(-1) : matches[0];
        if (found !== undefined) return `${found[1] ?? found[0]}${suffix}`;
      }
      return undefined;
    };
    const version = readTagVersion(imageTag === undefined ? gitTag : find([imageTag]));
    if (version === undefined || !isInRange(version.version, versions)) continue;
    const entries = Object.entries(values).map(([key, places]) => [key, find(places) ?? null] as const);
    const isRead = entries.length === 0 || entries.some(([, value]) => value !== null);
    const missing = holds.filter((places) => find(places) === undefined);
    const holdsHere = isRead && missing.length === 0;
    const build = builds === undefined ? undefined : find([builds]);
    const found = holdsHere ? Object.fromEntries(entries) : undefined;
    facts.push({ ...version, builds: build === undefined ? [] : [build], values: found });
    if (!holdsHere)
      console.warn(`  ${name}: left out${missing[0] ? `, no ${JSON.stringify(missing[0][0]?.match)}` : ""}`);
  }
  // Several charts may contain one image. The first tag with a version counts.
  const isFirst = (fact: TagFacts): boolean =>
    facts.find(({ prefix, version }) => prefix === fact.prefix && version === fact.version) === fact;
  return facts.filter(isFirst);
}

function inOrder(facts: readonly TagFacts[]): readonly TagFacts[] {
  return facts.toSorted((one, other) =>
    one.prefix === other.prefix ? compare(one.version, other.version) : one.prefix < other.prefix ? -1 : 1,
  );
}

function showFile(git: string, tag: string, file: string): string {
  const shown = spawnSync("git", ["-C", git, "show", `refs/tags/${tag}:${file}`], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  return shown.status === 0 ? shown.stdout : "";
}

/** Returns what is known of single tags that the repository does not have, and that were read elsewhere. */
function factsElsewhere({ releases }: OperatorRule, facts: readonly TagFacts[]): readonly TagFacts[] {
  return releases.flatMap(({ tags, prefix, builds = [], values = {} }) => {
    const isElsewhere =
      valid(tags) === tags && !facts.some((fact) => fact.prefix === prefix && fact.version === tags);
    return isElsewhere ? [{ prefix, version: tags, builds, values }] : [];
  });
}

/**
 * Joins neighbouring tags with the same values, except across a tag at which the facts do not hold. A
 * range with values ends with its minor version, because a later patch of that minor version may have
 * other values than the next minor version.
 */
function toRanges(facts: readonly TagFacts[], hasValues: boolean): readonly Range[] {
  const ranges: Range[] = [];
  let isGap = true;
  for (const { prefix, version, builds, values } of facts) {
    const before = isGap ? undefined : ranges.at(-1);
    isGap = values === undefined;
    if (values === undefined) continue;
    const isSame =
      before?.prefix === prefix &&
      JSON.stringify(before.values) === JSON.stringify(values) &&
      (!hasValues || minorOf(before.last) === minorOf(version));
    if (before === undefined || !isSame) {
      ranges.push({ prefix, first: version, last: version, builds, values });
    } else {
      ranges.splice(-1, 1, {
        ...before,
        last: version,
        builds: [...new Set([...before.builds, ...builds])],
      });
    }
  }
  return ranges.reverse();
}

function minorOf(version: string): string {
  return version.split(".", 2).join(".");
}

/** Replaces the `releases` in the file of the rule, and nothing else. */
async function writeReleases({ id }: OperatorRule, ranges: readonly Range[]): Promise<void> {
  const file = join(FOLDER, `${id}.yaml`);
  const lines = ranges.map(({ prefix, first, last, builds, values }) => {
    const tags = first === last ? first : `>=${first} <=${last}`;
    const entry = {
      tags,
      ...(prefix !== "" && { prefix }),
      ...(builds.length > 0 && { builds }),
      ...(Object.keys(values).length > 0 && { values }),
    };
    return `  - ${stringify(entry, { collectionStyle: "flow", lineWidth: 0 }).trimEnd()}`;
  });
  const text = readFileSync(file, "utf8").replace(
    /^releases:.*\n(?: .*\n)*/m,
    () => `releases:\n${lines.join("\n")}\n`,
  );
  writeFileSync(file, await formatted(file, text));
}
