// Finds every image that rendered objects can start, with all of its evidence.
import { formatReference, parseReference, type NormalizedReference } from "../images/reference.js";
import type { DeclaredImage } from "./declared-images.js";
import { componentLabels, describeObject, type RenderedObject } from "../charts/rendered-object.js";
import { groupOf, isCustom } from "../kubernetes/api-group.js";
import { mergeUses } from "../images/merge-uses.js";
import { SETTLE_BY_REHEARSAL } from "../images/warning-advice.js";
import { findAbsentOperators } from "./absent-operators.js";
import { findOpenChoices, readChoices, type AlternativeImage, type IsChosen } from "./alternatives.js";
import { findPodWebhooks } from "./pod-webhooks.js";
import { exampleOn } from "./rules/circumstances.js";
import type { Alternative, Found, Rule } from "./rules/found.js";
import { isTestHook } from "../charts/hooks.js";
import type {
  Confidence,
  Evidence,
  Findings,
  FindingWarning,
  OperatorWorkload,
  UnresolvedImage,
} from "../images/image-use.js";
import {
  findImpliedImages,
  findLaterImages,
  findOperators,
  indexResources,
  isFlagUsed,
  laterWarning,
  unknownImages,
  versionWarning,
  waitsForResources,
  type OperatorUse,
  type Resources,
} from "./operators.js";
import { readUnusedFields, type WhyUnused } from "./unused-fields.js";
import { findUnknownKinds } from "./operator-kinds.js";
import { describeWorkloads, type Workloads } from "./operator-workloads.js";
import type { OperatorIndex } from "./operator-index.js";
import { readPodRights, type PodRights } from "./pod-rights.js";
import { CONFIG_TEXT } from "./rules/config-text.js";
import { CUSTOM_RESOURCE } from "./rules/custom-resource.js";
import { ENVIRONMENT } from "./rules/environment.js";
import { FLAG } from "./rules/flag.js";
import { POD_SPEC } from "./rules/pod-spec.js";
import { findUnknownOperators } from "./unknown-operators.js";
import { formatPath, textOf } from "../json.js";
import { UnusableYaml } from "../parse-yaml.js";
import { groupBy } from "../group-by.js";

/** Input of the finder in addition to the objects. */
export interface FindOptions {
  readonly operators: OperatorIndex;
  /**
   * Images that the publishers of the charts list. Such a list covers all values, so its images are
   * required only if other evidence confirms them.
   */
  readonly declared?: readonly DeclaredImage[];
}

/** Rules for single objects. If two find the same reference at one path, the first applies. */
const RULES: readonly Rule[] = [POD_SPEC, FLAG, ENVIRONMENT, CUSTOM_RESOURCE, CONFIG_TEXT];

/** Data of all objects that is needed to search one object. */
interface FindContext {
  readonly resources: Resources;
  readonly operatorsIn: ReadonlyMap<RenderedObject, readonly OperatorUse[]>;
  readonly isChosen: IsChosen;
  readonly whyUnused: WhyUnused;
  readonly workloads: Workloads;
}

/** One piece of evidence, before the evidence of one image is merged. */
interface EvidenceItem {
  readonly reference: string;
  readonly normalized: NormalizedReference;
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly evidence: Evidence;
}

/**
 * Finds the images of all releases of a bundle together, because an operator in one release may
 * serve custom resources of another. Objects must come from `helm template` with hooks. The same
 * objects always give the same findings.
 */
export function findImages(objects: readonly RenderedObject[], options: FindOptions): Findings {
  const operators = findOperators(objects, options.operators);
  const resources = indexResources(objects);
  const context: FindContext = {
    resources,
    operatorsIn: groupBy(operators, ({ object }) => object),
    isChosen: readChoices(objects),
    whyUnused: readUnusedFields(operators),
    workloads: describeWorkloads(new Set(operators.map(({ rule }) => rule)), resources),
  };
  const pieces: EvidenceItem[] = [];
  const warnings: FindingWarning[] = [];
  const alternatives: AlternativeImage[] = [];
  const unresolved: UnresolvedImage[] = [];
  /** API groups of custom resources that name images themselves. */
  const naming = new Set<string>();
  for (const object of objects) {
    try {
      for (const { item, alternative } of findInObject(object, context)) {
        pieces.push(item);
        if (isCustom(object.apiVersion) && !isTestHook(object)) naming.add(groupOf(object.apiVersion));
        if (alternative !== undefined) alternatives.push({ alternative, object, reference: item.normalized });
      }
    } catch (error) {
      // A text in the object exceeds the limits, or the object is nested too deeply for the stack.
      if (!(error instanceof RangeError) && !(error instanceof UnusableYaml)) throw error;
      warnings.push(unreadable(object));
    }
  }
  warnings.push(...findOpenChoices(alternatives, context.isChosen));
  const rights = readPodRights(objects);
  for (const use of withoutCopies(operators, rights)) {
    const mayCreatePods = use.object.hooks.length === 0 && rights(use.object) !== undefined;
    const waits = mayCreatePods && waitsForResources(use, context.resources, naming);
    const implied = [...findImpliedImages(use, context.resources), ...(waits ? findLaterImages(use) : [])];
    for (const image of implied) {
      const workloads = context.workloads.ofObject(image.object);
      const piece = toPiece(image.object, image.rule, { ...image, workloads });
      if (image.unresolved === undefined) pieces.push(piece);
      else unresolved.push(toUnresolved(use, image.unresolved, piece));
    }
    const warning = versionWarning(use, implied, { mayCreatePods, resources: context.resources });
    // The warning about images that are started later names those without a version, too.
    const isNamedLater = waits && use.isVerified && !implied.some((one) => one.unresolved && one.required);
    if (warning !== undefined && !isNamedLater) warnings.push(warning);
    warnings.push(...unknownImages(use, context.resources));
    if (waits) warnings.push(laterWarning(use));
  }
  for (const absent of findAbsentOperators(options.operators, operators, context.resources)) {
    for (const image of absent.images) {
      const workloads = context.workloads.ofObject(image.object);
      pieces.push(toPiece(image.object, image.rule, { ...image, workloads }));
    }
    warnings.push(...absent.warnings);
  }
  warnings.push(
    ...findUnknownKinds(operators, objects),
    ...findUnknownOperators(objects, context.operatorsIn, rights),
    ...findPodWebhooks(objects, context.operatorsIn),
  );
  for (const declared of options.declared ?? []) pieces.push(toDeclaredPiece(declared));
  return {
    images: mergeUses(pieces.map((piece) => ({ ...piece, evidence: [piece.evidence] }))),
    ...(unresolved.length > 0 && { unresolved }),
    warnings: withoutRepeats(warnings),
  };
}

/**
 * Returns the operators that differ in what they start: copies of a container in one release start
 * the same images for the same resources. Copies whose Pods have other rights are kept.
 */
function withoutCopies(uses: readonly OperatorUse[], rights: PodRights): readonly OperatorUse[] {
  const seen = new Map<string, OperatorUse>();
  for (const use of uses) {
    const { rule, object, container } = use;
    const right = object.hooks.length === 0 && rights(object) !== undefined;
    const key = JSON.stringify([rule.id, object.release, right, container]);
    if (!seen.has(key)) seen.set(key, use);
  }
  return [...seen.values()];
}

function toUnresolved(
  { container }: OperatorUse,
  image: Pick<UnresolvedImage, "repository" | "expectedTag" | "variables">,
  { required, evidence }: EvidenceItem,
): UnresolvedImage {
  return { ...image, operatorImage: textOf(container["image"]) ?? "", required, evidence };
}

function unreadable(object: RenderedObject): FindingWarning {
  return {
    code: "object-unreadable",
    message: `${describeObject(object)} in ${object.template} is too large or nested too deeply to be searched`,
    hint: SETTLE_BY_REHEARSAL,
    chart: object.chart,
    template: object.template,
    object: describeObject(object),
    incomplete: true,
  };
}

/** Evidence, and the alternative if the image is one of several. */
interface FoundItem {
  readonly item: EvidenceItem;
  readonly alternative: Alternative | undefined;
}

function* findInObject(object: RenderedObject, context: FindContext): Iterable<FoundItem> {
  const seen = new Set<string>();
  for (const rule of RULES) {
    for (const found of rule.find(object)) {
      const key = `${formatPath(found.path)} ${found.reference}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const idle = whyIdle(found, object, context);
      const because = idle ?? found.because;
      const isRequired = !isTestHook(object) && found.confidence !== "low" && idle === undefined;
      const item = toPiece(object, rule.id, {
        ...found,
        required: isRequired,
        ...(because !== undefined && { because }),
        workloads: workloadsOf(found, object, context),
      });
      yield { item, alternative: found.alternative };
    }
  }
}

/** Returns why an image is not started with the rendered objects, or undefined if it may be. */
function whyIdle(found: Found, object: RenderedObject, context: FindContext): string | undefined {
  const { alternative } = found;
  const example =
    isCustom(object.apiVersion) || object.kind === "ConfigMap" || object.kind === "Secret"
      ? exampleOn(found.path)
      : undefined;
  if (example !== undefined) return `the key ${example} names an example or documentation`;
  if (found.flag !== undefined) {
    const idle = idleFlag(found, found.flag, object, context);
    if (idle !== undefined) return idle;
  }
  const unused = context.whyUnused(found, object);
  if (unused !== undefined) return unused;
  if (alternative !== undefined) {
    const isUsed =
      alternative.isDefault || context.isChosen({ alternative, object, reference: found.reference });
    if (!isUsed && alternative.selector !== undefined)
      return `${alternative.version} is selected neither by ${alternative.selector} nor by an annotation`;
    return isUsed
      ? undefined
      : `one of several, for version ${alternative.version}; no rendered object selects it`;
  }
  return found.isOptional === true
    ? (found.because ?? "it is in a list of all images that may be needed")
    : undefined;
}

/** Returns what runs the image: that of a resource's operator, or that of the operator of the flag. */
function workloadsOf(
  { flag, path }: Found,
  object: RenderedObject,
  { workloads, operatorsIn }: FindContext,
): readonly OperatorWorkload[] {
  const use = flag === undefined ? undefined : operatorAt(path, object, operatorsIn);
  return flag === undefined || use === undefined
    ? workloads.ofObject(object)
    : workloads.ofFlag(use.rule, flag);
}

function operatorAt(
  path: Found["path"],
  object: RenderedObject,
  operatorsIn: FindContext["operatorsIn"],
): OperatorUse | undefined {
  return operatorsIn.get(object)?.find((use) => formatPath(path).startsWith(`${formatPath(use.path)}.`));
}

/** Returns why the image of an operator's flag is not used, or undefined if it may be. */
function idleFlag(
  found: Found,
  flag: string,
  object: RenderedObject,
  { resources, operatorsIn }: FindContext,
): string | undefined {
  const use = operatorAt(found.path, object, operatorsIn);
  if (use === undefined || isFlagUsed(use, flag, resources)) return undefined;
  return `no rendered object makes ${use.rule.name} use the image of --${flag}`;
}

function toPiece(
  object: RenderedObject,
  rule: string,
  found: Pick<Found, "reference" | "path" | "confidence" | "because"> &
    Pick<EvidenceItem, "required"> & {
      readonly value?: string;
      readonly workloads: readonly OperatorWorkload[];
    },
): EvidenceItem {
  const labels = componentLabels(object);
  const reasons = [found.because, object.condition].filter((reason) => reason !== undefined);
  return {
    reference: found.reference,
    normalized: normalize(found.reference),
    required: found.required,
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
      release: object.release,
      ...(labels !== undefined && { labels }),
      ...(found.workloads.length > 0 && { workloads: found.workloads }),
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
      because: "the publisher of the chart lists it, independent of values",
    },
  };
}

/** Normalizes a reference. Rules yield only valid references. */
function normalize(text: string): NormalizedReference {
  return formatReference(parseReference(text));
}

/** Removes repeated warnings about the same images in several workloads. */
function withoutRepeats(warnings: readonly FindingWarning[]): readonly FindingWarning[] {
  const byText = new Map<string, FindingWarning>();
  for (const warning of warnings) {
    const key = JSON.stringify([warning.code, warning.message, warning.images]);
    if (!byText.has(key)) byText.set(key, warning);
  }
  return [...byText.values()];
}
