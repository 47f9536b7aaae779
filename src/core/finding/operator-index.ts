// Looks up the operators of the knowledge base by the repositories of their images.
import { groupBy } from "../group-by.js";
import type { Reference } from "../images/reference.js";
import { copyNames, isCopy } from "../images/repository-copies.js";
import type { OperatorRule } from "./operator-rules.js";

/** An operator whose rule is parsed when it is needed. */
export interface IndexedOperator {
  /** Repositories of the operator's image, with a registry if only that tells whose it is. */
  readonly repositories: readonly string[];
  /** API groups of the custom resources for which it starts images. */
  readonly groups: readonly string[];
  readonly rule: () => OperatorRule;
}

/**
 * The knowledge base. Few of its operators are in a bundle, so the rules of the others are neither
 * parsed nor compared: operators are indexed by the last component of their repositories.
 */
export class OperatorIndex {
  readonly #byName: ReadonlyMap<string, readonly NamedOperator[]>;
  readonly #operators: readonly IndexedOperator[];

  constructor(operators: readonly IndexedOperator[]) {
    const named = operators.flatMap((operator) =>
      operator.repositories.flatMap((known) =>
        copyNames(known).map((name): NamedOperator => ({ name, operator, last: lastComponent(name) })),
      ),
    );
    this.#byName = groupBy(named, ({ last }) => last);
    this.#operators = operators;
  }

  /** Returns the rule for an image of an operator. The first operator of several counts. */
  find(image: Reference): OperatorRule | undefined {
    const full = `${image.registry}/${image.repository}`;
    const found = this.#byName.get(lastComponent(image.repository))?.find(({ name }) => isCopy(full, name));
    return found?.operator.rule();
  }

  /** Returns the rules of the operators that start images for custom resources of these API groups. */
  serving(groups: ReadonlySet<string>): readonly OperatorRule[] {
    const serving = this.#operators.filter((operator) => operator.groups.some((group) => groups.has(group)));
    return serving.map((operator) => operator.rule());
  }
}

/** Returns an index of rules that are parsed already. */
export function indexOperators(rules: readonly OperatorRule[]): OperatorIndex {
  return new OperatorIndex(
    rules.map((rule) => ({
      repositories: [rule.repository, ...rule.copies],
      groups: groupsOf(rule),
      rule: () => rule,
    })),
  );
}

/** The conditions of a rule, which has other fields, too. */
interface RuleConditions {
  readonly images: readonly { readonly when?: readonly { readonly group: string }[] | undefined }[];
  readonly unknown: RuleConditions["images"];
}

/** Returns the API groups of the custom resources for which an operator starts images. */
export function groupsOf({ images, unknown }: RuleConditions): readonly string[] {
  return [...new Set([...images, ...unknown].flatMap(({ when = [] }) => when.map(({ group }) => group)))];
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
