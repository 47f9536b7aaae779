// Rendered objects -> every image that they can start, each with all of its evidence.
import { formatReference, parseReference, type NormalizedReference } from "../images/reference.js";
import type { DeclaredImage } from "./declared-images.js";
import type { RenderedObject } from "../charts/rendered-object.js";
import type { Found, Rule } from "./rules/found.js";
import { isTestHook } from "../charts/hooks.js";
import type { Confidence, Evidence, Findings, FindingWarning, ImageUse } from "../images/image-use.js";
import {
  findImpliedImages,
  findOperators,
  indexResources,
  isFlagUsed,
  unknownImages,
  unverifiedWarning,
  type OperatorUse,
  type Resources,
} from "./operators.js";
import { findUnknownKinds } from "./operator-kinds.js";
import type { OperatorRule } from "./operator-rules.js";
import { readPodRights } from "./pod-rights.js";
import { CONFIG_TEXT } from "./rules/config-text.js";
import { CUSTOM_RESOURCE } from "./rules/custom-resource.js";
import { ENVIRONMENT } from "./rules/environment.js";
import { FLAG } from "./rules/flag.js";
import { POD_SPEC } from "./rules/pod-spec.js";
import { findUnknownOperators } from "./unknown-operators.js";
import { formatPath } from "../json.js";
import { groupBy } from "../group-by.js";

/** What the finder is given besides the objects. */
export interface FindOptions {
  readonly operators: readonly OperatorRule[];
  /** What the charts' publishers list: more than one installation needs, so only what something else confirms is required. */
  readonly declared?: readonly DeclaredImage[];
}

/** Rules that look at one object; where two find the same at one place, the first counts. */
const RULES: readonly Rule[] = [POD_SPEC, FLAG, ENVIRONMENT, CUSTOM_RESOURCE, CONFIG_TEXT];

const CONFIDENCES: readonly Confidence[] = ["certain", "high", "medium", "low"];

/** What is known of all objects when one is looked at. */
interface FindContext {
  readonly resources: Resources;
  readonly operatorsIn: ReadonlyMap<RenderedObject, readonly OperatorUse[]>;
}

/** One piece of evidence, before the pieces for one image are put together. */
interface EvidenceItem {
  readonly reference: string;
  readonly normalized: NormalizedReference;
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly evidence: Evidence;
}

/**
 * Finds the images of all releases of a bundle at once: an operator in one may serve custom resources of another.
 * Objects must come from `helm template` with hooks. Pure; the same objects give the same findings.
 */
export function findImages(objects: readonly RenderedObject[], options: FindOptions): Findings {
  const operators = findOperators(objects, options.operators);
  const context: FindContext = {
    resources: indexResources(objects),
    operatorsIn: groupBy(operators, ({ object }) => object),
  };
  const pieces: EvidenceItem[] = [];
  const warnings: FindingWarning[] = [];
  for (const object of objects) {
    try {
      for (const piece of findInObject(object, context)) pieces.push(piece);
    } catch (error) {
      // Nested deeper than the stack: some objects are, by mistake or on purpose.
      if (!(error instanceof RangeError)) throw error;
      warnings.push(unreadable(object));
    }
  }
  const rights = readPodRights(objects);
  for (const use of operators) {
    const implied = [...findImpliedImages(use, context.resources)];
    for (const image of implied) pieces.push(toPiece(image.object, image.rule, image, image.required));
    const mayStart =
      implied.length > 0 || (use.object.hooks.length === 0 && rights(use.object) !== undefined);
    const warning = unverifiedWarning(use, mayStart);
    if (warning !== undefined) warnings.push(warning);
    warnings.push(...unknownImages(use, context.resources));
  }
  warnings.push(
    ...findUnknownKinds(operators, objects),
    ...findUnknownOperators(objects, context.operatorsIn, rights),
  );
  for (const declared of options.declared ?? []) pieces.push(toDeclaredPiece(declared));
  return { images: mergePieces(pieces), warnings: withoutRepeats(warnings) };
}

function unreadable(object: RenderedObject): FindingWarning {
  return {
    code: "object-unreadable",
    message: `${describeObject(object)} in ${object.template} is nested too deep to be searched`,
    chart: object.chart,
    template: object.template,
    object: describeObject(object),
    incomplete: true,
  };
}

function* findInObject(object: RenderedObject, context: FindContext): Iterable<EvidenceItem> {
  const seen = new Set<string>();
  for (const rule of RULES) {
    for (const found of rule.find(object)) {
      const key = `${formatPath(found.path)} ${found.reference}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const idle = found.flag === undefined ? undefined : idleFlag(found, found.flag, object, context);
      const because = found.because ?? idle;
      yield toPiece(
        object,
        rule.id,
        { ...found, ...(because !== undefined && { because }) },
        !isTestHook(object) && idle === undefined && found.confidence !== "low" && found.isDeclared !== true,
      );
    }
  }
}

/** Returns why the image of an operator's flag is not used, or undefined when it may be. */
function idleFlag(
  found: Found,
  flag: string,
  object: RenderedObject,
  { resources, operatorsIn }: FindContext,
): string | undefined {
  const use = operatorsIn
    .get(object)
    ?.find(({ path }) => formatPath(found.path).startsWith(`${formatPath(path)}.`));
  if (use === undefined || isFlagUsed(use, flag, resources)) return undefined;
  return `nothing rendered makes ${use.rule.name} use the image of --${flag}`;
}

function toPiece(
  object: RenderedObject,
  rule: string,
  found: Pick<Found, "reference" | "path" | "confidence" | "because"> & { readonly value?: string },
  required: boolean,
): EvidenceItem {
  const reasons = [found.because, object.condition].filter((reason) => reason !== undefined);
  return {
    reference: found.reference,
    normalized: normalize(found.reference),
    required,
    confidence: found.confidence,
    evidence: {
      rule,
      chart: object.chart,
      template: object.template,
      object: describeObject(object),
      path: formatPath(found.path),
      value: found.value ?? found.reference,
      ...(reasons.length > 0 && { because: reasons.join("; ") }),
      ...(object.hooks.length > 0 && { hooks: object.hooks }),
    },
  };
}

function toDeclaredPiece({ chart, file, reference, path }: DeclaredImage): EvidenceItem {
  return {
    reference,
    normalized: normalize(reference),
    required: false,
    confidence: "medium",
    evidence: {
      rule: "declared",
      chart,
      template: file,
      object: `Chart ${chart}`,
      path,
      value: reference,
      because: "the chart's publisher lists it, for whatever values",
    },
  };
}

/** Rules yield nothing but references. */
function normalize(text: string): NormalizedReference {
  return formatReference(parseReference(text));
}

function describeObject({ kind, namespace, name }: RenderedObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Puts together what speaks of one image; sorted by `normalized`, evidence in the order found. */
function mergePieces(pieces: readonly EvidenceItem[]): readonly ImageUse[] {
  const byImage = new Map<NormalizedReference, EvidenceItem[]>();
  for (const piece of pieces) {
    const others = byImage.get(piece.normalized);
    if (others === undefined) byImage.set(piece.normalized, [piece]);
    else others.push(piece);
  }
  return [...byImage.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([normalized, group]) => ({
      reference: group[0]?.reference ?? normalized,
      normalized,
      required: group.some((piece) => piece.required),
      confidence: CONFIDENCES.find((level) => group.some((piece) => piece.confidence === level)) ?? "low",
      evidence: firstOfEach(group.map((piece) => piece.evidence)),
    }));
}

/** Leaves out evidence that a second rendering of the same object repeats. */
function firstOfEach(all: readonly Evidence[]): readonly Evidence[] {
  const seen = new Set<string>();
  return all.filter(({ rule, chart, template, object, path, value }) => {
    const key = JSON.stringify([rule, chart, template, object, path, value]);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function withoutRepeats(warnings: readonly FindingWarning[]): readonly FindingWarning[] {
  return [...new Map(warnings.map((warning) => [JSON.stringify(warning), warning])).values()];
}
