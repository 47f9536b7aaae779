// The paths inside a bundle.
import { hexOf } from "../oci/digest.js";
import type { Language } from "../words/language.js";

export const INVENTORY_PATH = "bundle.json";
/** The Ed25519 signature of `bundle.json`, if the bundle is signed. Directly after it. */
export const SIGNATURE_PATH = "bundle.json.sig";
/** RFC 8032, 5.1.6 */
export const SIGNATURE_BYTES = 64;
export const FACTS_PATH = "facts";
/** The instructions for the isolated host in each language. */
export const README_PATHS: Readonly<Record<Language, string>> = { en: "README.txt", ko: "README.ko.txt" };
/** What a differential bundle says about its base in each language. */
export const BASE_NOTE_PATHS: Readonly<Record<Language, string>> = { en: "BASE.txt", ko: "BASE.ko.txt" };
export const LOADER_PATH = "load.sh";
export const REHEARSAL_PATH = "rehearsal.json";
export const IMAGES_PATH = "images.tar";

/** Entries of `images.tar` before its blobs, in this order. */
export const OCI_LAYOUT_PATH = "oci-layout";
export const LAYOUT_INDEX_PATH = "index.json";
export const DOCKER_MANIFEST_PATH = "manifest.json";

/** The folder of programs for the isolated host. Files in folders below it are not programs. */
const PROGRAM = /^bin\/[^/]+$/;

/** True for a program for the isolated host. */
export function isProgram(path: string): boolean {
  return PROGRAM.test(path);
}

/** True for load.sh and the programs, which may be executed when they are unpacked. */
export function isExecutable(path: string): boolean {
  return path === LOADER_PATH || isProgram(path);
}

/** Path of a blob in `images.tar`. */
export function blobPath(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/**
 * Path of a packaged chart in the bundle. `release` distinguishes charts of equal name and version.
 */
export function chartPath(name: string, version: string, release?: string): string {
  return `charts/${release === undefined ? "" : `${release}/`}${name}-${version}.tgz`;
}

/**
 * Path of a values file of a release in the bundle; `index` counts from 0 when a release has
 * several.
 */
export function valuesPath(release: string, index: number, count: number): string {
  return count === 1 ? `values/${release}.yaml` : `values/${release}.${index + 1}.yaml`;
}

/** Path of the file with the keys of a values file. */
export function keysPath(values: string): string {
  return values.replace(/\.yaml$/, ".keys.yaml");
}
