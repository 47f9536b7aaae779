// Looks into the images of operators that nothing is known about, for the images that they may start.
import pLimit from "p-limit";
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

/** Reads programs out of images. */
export interface ProgramSource {
  /**
   * Yields the files of the image's first platform that may be programs, each in memory only until the next is asked for; `onNote` hears of what had
   * to be left out. Throws the error of the place that the image comes from.
   */
  readPrograms(
    image: ResolvedImage,
    onNote: (message: string) => void,
    signal: AbortSignal,
  ): AsyncIterable<ProgramFile>;

  /** Says whether the reference's registry has it; undefined when it will not say. Throws `REGISTRY_UNAVAILABLE` when it cannot be asked. */
  hasImage(reference: string, signal: AbortSignal): Promise<boolean | undefined>;
}

/** What inspecting needs. */
export interface InspectPorts {
  readonly images: ImageSource;
  readonly programs: ProgramSource;
  /** How many references are asked for at once. */
  readonly imageConcurrency: number;
}

export interface InspectOptions {
  /** Platforms of which an image is looked into, the first that it has; at least one. */
  readonly platforms: readonly Platform[];
}

/** What the operators' programs say. */
export interface Inspection {
  /** Images that the findings do not have, the surest first. */
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
 * Inspects each image that a warning of the findings names, for the first of the platforms that it has. An operator whose image cannot be had or read is
 * a warning and no failure: the list of images is as good without. Throws only the signal's reason.
 */
export async function inspectOperators(
  run: Run,
  findings: Findings,
  options: InspectOptions,
  ports: InspectPorts,
): Promise<Inspection> {
  const { signal, progress } = run;
  const operators = listOperators(findings.warnings);
  progress({ kind: "started", step: "inspect", title: "Looking into operators", total: operators.length });
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
        warn("suspects-cut", `${operator.image} names ${rest} more that may be images, all of them unlikely`);
      }
      suspects.push(...kept);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ViolaError)) throw cause;
      warn("operator-not-inspected", `${operator.image} cannot be looked into: ${cause.message}`);
    }
    progress({ kind: "advanced", step: "inspect", done: index + 1, detail: operator.image });
  }
  const checked = await checkSuspects(suspects, ports, signal);
  progress({
    kind: "ended",
    step: "inspect",
    summary: `${checked.length} images that operators may start`,
  });
  return { suspects: rankSuspects(checked, known), warnings };
}

/** Each image once, whatever the number of workloads that run it. */
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
    if (found === undefined && file.isEntrypoint) onNote(`${image}: its program ${file.path} cannot be read`);
    for (const suspect of found ?? []) {
      suspects.push({ ...suspect, operator: object, operatorImage: image, file: file.path });
    }
  }
  return suspects;
}

/** Resolves the image for the first platform that it has: the operators of all platforms start the same images. */
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

/** Asks the registries for the suspects; one that cannot be reached is not asked again. */
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

/** Asks for the reference, and where its tag is no more than a guess that fails, for the other versions of the program. */
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
      const because = `the program holds ${tag}, the newest of its versions that the registry has under this name`;
      return { ...suspect, reference, tag, certainty: "guessed", because, exists: true };
    }
  }
  return exists === undefined ? suspect : { ...suspect, exists };
}
