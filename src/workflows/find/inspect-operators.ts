// Inspects the images of operators: for the versions of images that the knowledge base knows by
// name only, and for references to images that nobody knows.
import pLimit from "p-limit";
import { countOf } from "../../core/count-of.js";
import { SETTLE_BY_REHEARSAL } from "../../core/images/warning-advice.js";
import type { Findings, FindingWarning, ImageUse, UnresolvedImage } from "../../core/images/image-use.js";
import { mergeUses } from "../../core/images/merge-uses.js";
import { EmbeddedCharts } from "../../core/finding/program/embedded-charts.js";
import { findInProgramFile, type ProgramFile } from "../../core/finding/program/program-file.js";
import { MOST_SUSPECTS, rankSuspects } from "../../core/finding/program/rank-suspects.js";
import {
  ANALYSIS_VERSION,
  type ReadPrograms,
  type ReadSuspect,
} from "../../core/finding/program/remembered.js";
import {
  listVersions,
  spellingsInPrograms,
  type VersionCandidate,
} from "../../core/finding/program/resolve-version.js";
import type { Suspect } from "../../core/finding/program/suspect.js";
import {
  findReference,
  formatReference,
  parseReference,
  type Reference,
} from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { ImageSource, ProgramMemory } from "../ports.js";
import type { Run } from "../progress.js";

/** Reads programs from images. */
export interface ProgramSource {
  /**
   * Yields the files of the image's first platform that may be programs. A file can be read only
   * until the next one is requested. `onNote` is called for files that are skipped. Throws the
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
  readonly memory: ProgramMemory;
  /** How many references are checked at once. */
  readonly imageConcurrency: number;
}

export interface InspectOptions {
  /** Platforms, at least one. The first that an image has is inspected. */
  readonly platforms: readonly Platform[];
}

/** What was found in the operators' programs. */
export interface Inspection {
  /** The findings with the images whose version a program gave, and with the warnings that remain. */
  readonly findings: Findings;
  /** Images that are not among the findings, most certain first. */
  readonly suspects: readonly Suspect[];
}

/** Warnings that the program of the image answers, when it gives the versions of all its images. */
const ABOUT_VERSIONS: readonly string[] = ["operator-tag-unverified", "operator-version-unknown"];

/** An operator's image, and the workload that runs it. */
interface Operator {
  readonly image: string;
  readonly reference: Reference;
  readonly object: string;
}

/** An operator, and its images whose versions are not known. */
interface OperatorToRead {
  readonly operator: Operator;
  readonly open: readonly UnresolvedImage[];
}

/** The registries' answers, each asked for once. */
type HasImage = (reference: string) => Promise<boolean | undefined>;

/**
 * Inspects each image that a warning of the findings names, and asks the registries for the images
 * that it names. If the image of an operator cannot be fetched or read, this adds a warning and
 * does not fail, because the findings are valid without it. Throws only the signal's reason.
 */
export async function inspectOperators(
  run: Run,
  findings: Findings,
  options: InspectOptions,
  ports: InspectPorts,
): Promise<Inspection> {
  const { signal, progress } = run;
  const operators = listOperators(findings);
  if (operators.length === 0) return { findings, suspects: [] };
  progress({ kind: "started", step: "inspect", title: "Inspecting operators", total: operators.length });
  const known = new Set(findings.images.map(({ normalized }) => normalized));
  const hasImage = askOnce(ports, signal);
  const suspects: Suspect[] = [];
  const warnings: FindingWarning[] = [];
  const resolved: ImageUse[] = [];
  const unresolved: UnresolvedImage[] = [];
  for (const [index, operator] of operators.entries()) {
    const open = (findings.unresolved ?? []).filter(({ operatorImage }) => operatorImage === operator.image);
    const { object, image } = operator;
    const warn = (code: string, message: string): void => {
      warnings.push({ code, message, hint: SETTLE_BY_REHEARSAL, object, images: [image], incomplete: true });
    };
    try {
      const read = await readSuspects(run, { operator, open }, options, ports);
      for (const note of read.notes) warn("operator-not-inspected", note);
      const named = read.suspects.map((suspect) => ({ ...suspect, operator: object, operatorImage: image }));
      for (const one of open) {
        const use = await resolveVersion(one, named, hasImage);
        if (typeof use === "string") warn("operator-version-unknown", `${image}: ${use}`);
        if (typeof use === "string") unresolved.push(one);
        else resolved.push(use);
      }
      const found = rankSuspects(named, new Set([...known, ...resolved.map(({ normalized }) => normalized)]));
      const kept = found.slice(0, MOST_SUSPECTS);
      if (found.length > kept.length) {
        const rest = found.length - kept.length;
        warn("suspects-cut", `${image} names ${countOf(rest, "more possible image")}, all of low certainty`);
      }
      suspects.push(...kept);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ViolaError)) throw cause;
      unresolved.push(...open);
      warn("operator-not-inspected", `${image} could not be inspected: ${cause.message}`);
    }
    progress({ kind: "advanced", step: "inspect", done: index + 1, detail: image });
  }
  const limit = pLimit(ports.imageConcurrency);
  const checked = await Promise.all(suspects.map((suspect) => limit(() => checkSuspect(suspect, hasImage))));
  progress({
    kind: "ended",
    step: "inspect",
    summary:
      `${countOf(resolved.length, "version")} found, ` +
      `${countOf(checked.length, "more image")} that operators may start`,
  });
  const isOpen = (image: string): boolean =>
    unresolved.some(({ operatorImage }) => operatorImage === image) ||
    !(findings.unresolved ?? []).some(({ operatorImage }) => operatorImage === image);
  const left = findings.warnings.filter(
    ({ code, images = [] }) => !ABOUT_VERSIONS.includes(code) || images.some(isOpen),
  );
  return {
    findings: {
      images: mergeUses([...findings.images, ...resolved]),
      ...(unresolved.length > 0 && { unresolved }),
      warnings: [...left, ...warnings],
    },
    suspects: rankSuspects(checked, new Set([...known, ...resolved.map(({ normalized }) => normalized)])),
  };
}

/** True if a warning of the findings names an operator's image that can be inspected. */
export function hasOperators(findings: Findings): boolean {
  return listOperators(findings).length > 0;
}

/**
 * Lists each image once, even if several workloads run it. The program of an operator that waits for
 * custom resources says nothing new unless the version of an image is not known.
 */
function listOperators({ warnings, unresolved = [] }: Findings): readonly Operator[] {
  const operators = new Map<string, Operator>();
  for (const { code, images = [], object = "" } of warnings) {
    for (const image of images) {
      const isOpen = unresolved.some(({ operatorImage }) => operatorImage === image);
      const reference = code === "operator-images-later" && !isOpen ? undefined : findReference(image);
      if (reference !== undefined && !operators.has(image))
        operators.set(image, { image, reference, object });
    }
  }
  return [...operators.values()];
}

/** Reads the programs of the image, or recalls what was found in an image with the same content. */
async function readSuspects(
  { signal }: Run,
  { operator: { image, reference }, open }: OperatorToRead,
  { platforms }: InspectOptions,
  { images, programs, memory }: InspectPorts,
): Promise<ReadPrograms> {
  const use: ImageUse = {
    reference: image,
    normalized: formatReference(reference),
    required: true,
    confidence: "certain",
    evidence: [],
  };
  const resolved = await resolveAny(use, platforms, images, signal);
  const wanted = spellingsInPrograms(open);
  const manifest = resolved.platforms[0]?.manifest.digest;
  const variables = open.flatMap(({ repository, variables: names = [] }) =>
    names.map((variable) => ({ variable, repository })),
  );
  const key = JSON.stringify([ANALYSIS_VERSION, manifest, reference.tag, [...wanted].sort(), variables]);
  const remembered = await memory.recall(key);
  if (remembered !== undefined) return remembered;

  const suspects: ReadSuspect[] = [];
  const notes: string[] = [];
  const onNote = (message: string): void => void notes.push(message);
  const charts = new EmbeddedCharts();
  let isRead = false;
  for await (const file of programs.readPrograms(resolved, onNote, signal)) {
    const found = findInProgramFile(file, { operatorTag: reference.tag, wanted, variables });
    if ("unreadable" in found) {
      if (file.isEntrypoint) notes.push(`${image}: its program ${file.path} ${found.unreadable}`);
      continue;
    }
    isRead ||= file.isEnvironment !== true;
    for (const suspect of found.suspects) suspects.push({ ...suspect, file: file.path });
    if (Buffer.isBuffer(file.bytes)) charts.add(file.path, file.bytes);
  }
  suspects.push(...charts.suspects());
  if (!isRead && notes.length === 0) {
    notes.push(
      `${image} contains no program that can be read (compiled programs, jars, Python and shell can)`,
    );
  }
  await memory.remember(key, { suspects, notes });
  return { suspects, notes };
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

/** Returns the image with the version that the program gives, or why its version stays unknown. */
async function resolveVersion(
  image: UnresolvedImage,
  suspects: readonly Suspect[],
  hasImage: HasImage,
): Promise<ImageUse | string> {
  const { repository } = image;
  const { groups, list } = listVersions(image, suspects);
  if (groups.length === 0 && list.length === 0)
    return `its program does not contain a version of ${repository}`;
  for (const group of groups) {
    const answers = await Promise.all(group.map(({ reference }) => hasImage(reference)));
    if (answers.includes(undefined)) return `its registry does not say which versions of ${repository} exist`;
    const existing = group.filter((_, index) => answers[index]);
    const [only, ...others] = existing;
    if (only !== undefined && others.length === 0) return toUse(image, only);
    if (only !== undefined) {
      return `its program contains several versions of ${repository}: ${existing.map(({ reference }) => reference).join(", ")}`;
    }
  }
  for (const candidate of list) {
    const answer = await hasImage(candidate.reference);
    if (answer === undefined) return `its registry does not say which versions of ${repository} exist`;
    if (answer) return toUse(image, candidate);
  }
  return `the registry has none of the versions of ${repository} that its program contains`;
}

function toUse(image: UnresolvedImage, { reference, because, suspect }: VersionCandidate): ImageUse {
  const { evidence } = image;
  const place = `${suspect.rule} at byte ${suspect.offset}`;
  return {
    reference,
    normalized: formatReference(parseReference(reference)),
    required: image.required,
    confidence: "certain",
    evidence: [
      { ...evidence, value: reference },
      {
        rule: "program",
        chart: evidence.chart,
        template: evidence.template,
        object: suspect.operator,
        path: `${suspect.operatorImage} /${suspect.file}`,
        value: reference,
        because: `${because} (${place}); the registry has the image`,
      },
    ],
  };
}

/** Returns a function that asks for a reference once, and an unreachable registry only once. */
function askOnce({ programs }: InspectPorts, signal: AbortSignal): HasImage {
  const unreachable = new Set<string>();
  const answers = new Map<string, Promise<boolean | undefined>>();
  const ask = async (reference: string): Promise<boolean | undefined> => {
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
  return (reference) => {
    const answer = answers.get(reference) ?? ask(reference);
    answers.set(reference, answer);
    return answer;
  };
}

/**
 * Checks the reference. If its tag is a guess that does not exist, tries the program's other
 * versions.
 */
async function checkSuspect({ otherTags = [], ...suspect }: Suspect, hasImage: HasImage): Promise<Suspect> {
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
