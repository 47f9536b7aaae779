// Looks up the operators of the knowledge base by the repositories of their images.
import { groupBy } from "../group-by.js";
import { copyNames, isCopy } from "../images/repository-copies.js";
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

function lastComponent(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}
