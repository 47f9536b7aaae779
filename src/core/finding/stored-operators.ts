// Reads the knowledge base as `npm run build` stores it.
import * as z from "zod";
import { isRecord, textOf } from "../json.js";
import { readJson } from "../parse-json.js";
import { groupsOf, OperatorIndex, type IndexedOperator } from "./operator-index.js";
import { OPERATOR_SCHEMA, type OperatorRule } from "./operator-rules.js";

/**
 * Returns the index of the files of the knowledge base, whose values `scripts/build.js` wrote as a
 * list in JSON; undefined for another text. Each rule is parsed when it is found, because a bundle
 * needs few of them. A rule that is not valid then throws the error of zod.
 */
export function parseStoredOperators(content: string): OperatorIndex | undefined {
  const stored = readJson(content);
  if (!Array.isArray(stored)) return undefined;
  const operators = stored.map(toIndexed).filter((operator) => operator !== undefined);
  return operators.length === stored.length ? new OperatorIndex(operators) : undefined;
}

const groups = z.array(z.object({ group: z.string() })).optional();
const conditional = z.array(z.object({ when: groups })).default([]);
/** What the index needs of a rule. */
const CONDITIONS_SCHEMA = z.object({ images: conditional, unknown: conditional });

function toIndexed(stored: unknown): IndexedOperator | undefined {
  if (!isRecord(stored)) return undefined;
  const repository = textOf(stored["repository"]);
  if (repository === undefined) return undefined;
  const copies = Array.isArray(stored["copies"]) ? stored["copies"] : [];
  const conditions = CONDITIONS_SCHEMA.safeParse(stored).data;
  if (conditions === undefined) return undefined;
  let rule: OperatorRule | undefined;
  return {
    repositories: [repository, ...copies.map(textOf).filter((copy) => copy !== undefined)],
    groups: groupsOf(conditions),
    rule: () => (rule ??= OPERATOR_SCHEMA.parse(stored)),
  };
}
