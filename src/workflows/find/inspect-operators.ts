// Inspects the images of unknown operators for references to images that they may start.
import pLimit from "p-limit";
import { countOf } from "../../core/count-of.js";
import { SETTLE_BY_REHEARSAL } from "../../core/images/warning-advice.js";
import type { Findings, FindingWarning, ImageUse } from "../../core/images/image-use.js";
import { findInProgramFile, type ProgramFile } from "../../core/finding/program/program-file.js";
import { MOST_SUSPECTS, rankSuspects } from "../../core/finding/program/rank-suspects.js";
import type { Suspect } from "../../core/finding/program/suspect.js";
import { findReference, formatReference, type Reference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { ImageSource } from "../ports.js";
import type { Run } from "../progress.js";

/** Reads programs from images. */
export interface ProgramSource {
  /**
   * Yields the files of the image's first platform that may be programs. A file is kept in memory
   * only until the next one is requested. `onNote` is called for files that are skipped. Throws the
   * errors of the image's source.
   */
  readPrograms(
    image: ResolvedImage,
    onNote: (message: string) => void,
    signal: AbortSignal,
  ): AsyncIterable<ProgramFile>;

  /**
   * Returns whether the registry has the image, or undefined if it does not answer the question.
   * Throws `REGISTRY_UNAVAILABLE` if the registry cannot be reached.
   */
  hasImage(reference: string, signal: AbortSignal): Promise<boolean | undefined>;
}

/** The adapters that inspecting works with. */
export interface InspectPorts {
  readonly images: ImageSource;
  readonly programs: ProgramSource;
  /** How many references are checked at once. */
  readonly imageConcurrency: number;
}

export interface InspectOptions {
  /** Platforms, at least one. The first that an image has is inspected. */
  readonly platforms: readonly Platform[];
}

/** What was found in the operators' programs. */
export interface Inspection {
  /** Images that are not among the findings, most certain first. */
  readonly suspects: readonly Suspect[];
  readonly warnings: readonly FindingWarning[];
}

/** An operator's image, and the workload that runs it. */
interface Operator {
  readonly image: string;
  readonly reference: Reference;
  readonly object: string;
}

/**
 * Inspects each image that a warning of the findings names. If the image of an operator cannot be
 * fetched or read, this adds a warning and does not fail, because the findings are valid without
 * it. Throws only the signal's reason.
 */
export async function inspectOperators(
  run: Run,
  findings: Findings,
  options: InspectOptions,
  ports: InspectPorts,
): Promise<Inspection> {
  const { signal, progress } = run;
  const operators = listOperators(findings.warnings);
  progress({ kind: "started", step: "inspect", title: "Inspecting operators", total: operators.length });
  const known = new Set(findings.images.map(({ normalized }) => normalized));
  const suspects: Suspect[] = [];
  const warnings: FindingWarning[] = [];
  for (const [index, operator] of operators.entries()) {
    const warn = (code: string, message: string): void => {
      const { object, image } = operator;
      warnings.push({ code, message, hint: SETTLE_BY_REHEARSAL, object, images: [image], incomplete: true });
    };
    try {
      const onNote = (message: string): void => {
        warn("operator-not-inspected", message);
      };
      const read = await readSuspects(operator, { ...options, onNote }, ports, signal);
      const found = rankSuspects(read, known);
      const kept = found.slice(0, MOST_SUSPECTS);
      if (found.length > kept.length) {
        const rest = found.length - kept.length;
        warn(
          "suspects-cut",
          `${operator.image} names ${countOf(rest, "more possible image")}, all of low certainty`,
        );
      }
      suspects.push(...kept);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ViolaError)) throw cause;
      warn("operator-not-inspected", `${operator.image} could not be inspected: ${cause.message}`);
    }
    progress({ kind: "advanced", step: "inspect", done: index + 1, detail: operator.image });
  }
  const checked = await checkSuspects(suspects, ports, signal);
  progress({
    kind: "ended",
    step: "inspect",
    summary: `${countOf(checked.length, "image")} that operators may start`,
  });
  return { suspects: rankSuspects(checked, known), warnings };
}

/** Lists each image once, even if several workloads run it. */
function listOperators(warnings: readonly FindingWarning[]): readonly Operator[] {
  const operators = new Map<string, Operator>();
  for (const { images = [], object = "" } of warnings) {
    for (const image of images) {
      const reference = findReference(image);
      if (reference !== undefined && !operators.has(image))
        operators.set(image, { image, reference, object });
    }
  }
  return [...operators.values()];
}

async function readSuspects(
  { image, reference, object }: Operator,
  { platforms, onNote }: InspectOptions & { readonly onNote: (message: string) => void },
  { images, programs }: InspectPorts,
  signal: AbortSignal,
): Promise<readonly Suspect[]> {
  const use: ImageUse = {
    reference: image,
    normalized: formatReference(reference),
    required: true,
    confidence: "certain",
    evidence: [],
  };
  const resolved = await resolveAny(use, platforms, images, signal);
  const suspects: Suspect[] = [];
  for await (const file of programs.readPrograms(resolved, onNote, signal)) {
    const found = findInProgramFile(file, reference.tag);
    if (found === undefined && file.isEntrypoint)
      onNote(`${image}: its program ${file.path} could not be parsed`);
    for (const suspect of found ?? []) {
      suspects.push({ ...suspect, operator: object, operatorImage: image, file: file.path });
    }
  }
  return suspects;
}

/**
 * Resolves the image for the first platform that it has. Operators start the same images on any.
 */
async function resolveAny(
  use: ImageUse,
  platforms: readonly Platform[],
  images: ImageSource,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const [first, ...others] = platforms;
  if (first === undefined) throw new TypeError("no platform to inspect");
  try {
    return await images.resolveImage(use, [first], signal);
  } catch (cause) {
    const isMissing = cause instanceof ViolaError && cause.code === "IMAGE_PLATFORM_MISSING";
    if (!isMissing || others.length === 0) throw cause;
    return resolveAny(use, others, images, signal);
  }
}

/** Checks the suspects in their registries. A registry that is unreachable is queried only once. */
async function checkSuspects(
  suspects: readonly Suspect[],
  { programs, imageConcurrency }: InspectPorts,
  signal: AbortSignal,
): Promise<readonly Suspect[]> {
  const limit = pLimit(imageConcurrency);
  const unreachable = new Set<string>();
  const hasImage = async (reference: string): Promise<boolean | undefined> => {
    const registry = findReference(reference)?.registry;
    if (registry === undefined || unreachable.has(registry)) return undefined;
    try {
      return await programs.hasImage(reference, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ViolaError)) throw cause;
      unreachable.add(registry);
      return undefined;
    }
  };
  return Promise.all(suspects.map((suspect) => limit(() => checkSuspect(suspect, hasImage))));
}

/**
 * Checks the reference. If its tag is a guess that does not exist, tries the program's other
 * versions.
 */
async function checkSuspect(
  { otherTags = [], ...suspect }: Suspect,
  hasImage: (reference: string) => Promise<boolean | undefined>,
): Promise<Suspect> {
  const exists = suspect.tag === undefined ? undefined : await hasImage(suspect.reference);
  if (exists === undefined && suspect.tag !== undefined) return suspect;
  if (exists !== true) {
    for (const tag of otherTags) {
      const reference = `${suspect.repository}:${tag}`;
      const answer = await hasImage(reference);
      if (answer === undefined) break;
      if (!answer) continue;
      const because = `the program contains ${tag}, the newest of its versions that the registry has for this repository`;
      return { ...suspect, reference, tag, certainty: "guessed", because, exists: true };
    }
  }
  return exists === undefined ? suspect : { ...suspect, exists };
}
