// Looks up the operators of the knowledge base by the repositories of their images.
import { groupBy } from "../group-by.js";
import type { OperatorRule } from "./operator-rules.js";

/** An operator whose rule is parsed when it is needed. */
export interface IndexedOperator {
  /** Repositories of the operator's image, without registry. */
  readonly repositories: readonly string[];
  readonly rule: () => OperatorRule;
}

/**
 * The knowledge base. Few of its operators are in a bundle, so the rules of the others are neither
 * parsed nor compared: operators are indexed by the last component of their repositories.
 */
export class OperatorIndex {
  readonly #byName: ReadonlyMap<string, readonly NamedOperator[]>;

  constructor(operators: readonly IndexedOperator[]) {
    const named = operators.flatMap((operator) =>
      operator.repositories.flatMap((known) =>
        copyNames(known).map((name): NamedOperator => ({ name, operator, last: lastComponent(name) })),
      ),
    );
    this.#byName = groupBy(named, ({ last }) => last);
  }

  /** Returns the rule for a repository, which has no registry. The first operator of several counts. */
  find(repository: string): OperatorRule | undefined {
    const found = this.#byName.get(lastComponent(repository))?.find(({ name }) => isCopy(repository, name));
    return found?.operator.rule();
  }
}

/** Returns an index of rules that are parsed already. */
export function indexOperators(rules: readonly OperatorRule[]): OperatorIndex {
  return new OperatorIndex(
    rules.map((rule) => ({ repositories: [rule.repository, ...rule.copies], rule: () => rule })),
  );
}

/** For bundles without charts. */
export const NO_OPERATORS = new OperatorIndex([]);

interface NamedOperator {
  readonly name: string;
  readonly last: string;
  readonly operator: IndexedOperator;
}

/**
 * True for the repository itself, for a copy below a prefix as in mirrors, and for a copy with a
 * name as in https://github.com/rancher/image-mirror (`mirrored-longhornio-longhorn-manager` is a
 * copy of `longhornio/longhorn-manager`).
 */
export function isRepository(repository: string, known: string): boolean {
  return copyNames(known).some((name) => isCopy(repository, name));
}

function copyNames(known: string): readonly string[] {
  return [known, `mirrored-${known.replaceAll("/", "-")}`];
}

function isCopy(repository: string, name: string): boolean {
  return repository === name || repository.endsWith(`/${name}`);
}

function lastComponent(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}
