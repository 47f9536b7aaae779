// Opens a bundle file: reads its inventory and checks that the layout of the file matches it.
import { createHash } from "node:crypto";
import { countOf } from "../../core/count-of.js";
import { formatIdentity } from "../../core/bundle/base.js";
import { factsOf, formatFacts } from "../../core/bundle/facts.js";
import { isSealed } from "../../core/bundle/inventory-checksum.js";
import { MAX_INVENTORY_BYTES, parseInventory, type InventoryBase } from "../../core/bundle/inventory.js";
import { layoutFiles } from "../../core/bundle/layout-files.js";
import {
  blobPath,
  FACTS_PATH,
  IMAGES_PATH,
  INVENTORY_PATH,
  SIGNATURE_BYTES,
  SIGNATURE_PATH,
} from "../../core/bundle/paths.js";
import {
  paddedSize,
  parseTarHeader,
  TAR_BLOCK,
  TAR_END,
  type TarEntry,
} from "../../core/bundle/tar-header.js";
import { digestOf } from "../../core/oci/digest.js";
import { checkSignature, type RequiredKeys } from "../../core/signing/signature.js";
import { oneOrMany, systemErrorCode, ViolaError } from "../../errors.js";
import type { BundlePart, OpenBundle } from "../../workflows/ports.js";
import { cutShort, readFileRange, readRange } from "../files/read-range.js";
import { SourceFile } from "../files/source-file.js";
import { damagedPart, findDamagedParts, findParts } from "./parts.js";

const PIECE_BYTES = 1024 * 1024;

/**
 * Reads the inventory, and compares the name, size and offset of every tar entry with it. A
 * missing, additional or moved entry is an error. Nothing is extracted.
 *
 * If keys are required, the signature is checked over the bytes of the inventory before they are
 * parsed, and then the content of every entry before `images.tar`. So everything but the blobs is
 * verified, and blobs are verified by their digest where they are used.
 *
 * Throws `FILE_UNUSABLE`, `BUNDLE_INVALID`, `BUNDLE_UNSUPPORTED`, `SIGNATURE_MISSING` or
 * `SIGNATURE_INVALID`.
 */
export async function openBundle(file: string, required?: RequiredKeys): Promise<OpenBundle> {
  try {
    const parts = await findParts(file);
    const source = new SourceFile(file);
    try {
      const bundle = await readLayout({ file, source, required });
      return parts === undefined
        ? bundle
        : { ...bundle, parts, findDamagedParts: (signal) => findDamagedParts(parts, signal) };
    } catch (cause) {
      throw parts === undefined ? cause : await blameParts(parts, cause);
    } finally {
      source.close();
    }
  } catch (cause) {
    if (cause instanceof ViolaError) throw cause;
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
}

/** Returns the errors of the parts that are damaged, or the cause if none is. */
async function blameParts(parts: readonly BundlePart[], cause: unknown): Promise<unknown> {
  if (!(cause instanceof ViolaError) || !/^(?:BUNDLE|SIGNATURE)_INVALID$/.test(cause.code)) return cause;
  const damaged = await findDamagedParts(parts, new AbortController().signal);
  if (damaged.length === 0) return cause;
  return oneOrMany(
    "some parts are damaged",
    damaged.map(({ file }) => damagedPart(file)),
  );
}

/** An open file, and the keys that it must be signed with. */
interface OpenedFile {
  readonly file: string;
  readonly source: SourceFile;
  readonly required: RequiredKeys | undefined;
}

async function readLayout({ file, source, required }: OpenedFile): Promise<OpenBundle> {
  const { size: fileSize } = source;
  const invalid = (
    message: string,
    hint = "Copy the file again, and compare its sha256 checksum with that of the original.",
  ): ViolaError => new ViolaError("BUNDLE_INVALID", `${file}: ${message}`, { subject: file, hint });
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const bytes = await readRange(source, offset, length);
    if (bytes.length < length)
      throw invalid(`the file is truncated: it ends at byte ${fileSize}, where more content is expected`);
    return bytes;
  };
  /** Where the content of the last entry ends. Its padding is checked with what follows. */
  let contentEnd = 0;
  const readAfterPadding = async (offset: number, length: number): Promise<Buffer> => {
    const bytes = await read(contentEnd, offset - contentEnd + length);
    if (bytes.subarray(0, offset - contentEnd).some((byte) => byte !== 0))
      throw invalid(`the padding before byte ${offset} is damaged`);
    return bytes.subarray(offset - contentEnd);
  };
  const header = async (offset: number): Promise<TarEntry | undefined> =>
    parseTarHeader(await readAfterPadding(offset, TAR_BLOCK), file);

  if (fileSize < TAR_BLOCK)
    throw invalid("not a viola-airgap bundle", "Specify a file that `viola-airgap build` wrote.");
  const first = await header(0).catch((cause: unknown) => {
    // Without a valid header at the start, the file is not a bundle.
    if (cause instanceof ViolaError) return undefined;
    throw cause;
  });
  if (first?.name !== INVENTORY_PATH) {
    throw invalid("not a viola-airgap bundle", "Specify a file that `viola-airgap build` wrote.");
  }
  if (first.size > MAX_INVENTORY_BYTES) {
    throw invalid(`bundle.json has ${first.size} bytes, but the limit is ${MAX_INVENTORY_BYTES}`);
  }
  const inventoryBytes = await read(TAR_BLOCK, first.size);
  const entries = new Map<string, { readonly offset: number; readonly size: number }>();
  let offset = 0;
  const expectEntry = async (name: string, size: number | undefined): Promise<TarEntry> => {
    const found = await header(offset);
    if (found?.name !== name || (size !== undefined && found.size !== size)) {
      throw invalid(
        `expected entry ${name}${size === undefined ? "" : ` of ${size} bytes`} at byte ${offset}, found ${found?.name ?? "the end"}`,
      );
    }
    entries.set(name, { offset: offset + TAR_BLOCK, size: found.size });
    contentEnd = offset + TAR_BLOCK;
    return found;
  };
  const passEntry = async (name: string, size: number): Promise<void> => {
    await expectEntry(name, size);
    contentEnd += size;
    offset += TAR_BLOCK + paddedSize(size);
  };

  await passEntry(INVENTORY_PATH, first.size);
  const hasSignature = (await header(offset))?.name === SIGNATURE_PATH;
  if (hasSignature) await passEntry(SIGNATURE_PATH, SIGNATURE_BYTES);
  const signature = checkSignature(
    file,
    inventoryBytes,
    hasSignature ? await read(contentEnd - SIGNATURE_BYTES, SIGNATURE_BYTES) : undefined,
    required,
  );
  const inventory = parseInventory(inventoryBytes, file);
  if (isSealed(inventoryBytes) === false)
    throw invalid("bundle.json is damaged: its checksum does not match");
  for (const { path, size, isInBase } of inventory.files) if (isInBase !== true) await passEntry(path, size);
  // load.sh reads facts, and this program reads bundle.json, so both must have the same content.
  // Bundles of older versions have no facts.
  const facts = entries.get(FACTS_PATH);
  if (facts !== undefined) {
    if (isSealed(inventoryBytes) !== true) throw invalid("bundle.json has no checksum");
    if (inventory.files[0]?.path !== FACTS_PATH) throw invalid(`${FACTS_PATH} is not the first file`);
    const expected = Buffer.from(formatFacts(factsOf(inventory)));
    if (facts.size !== expected.length || !(await read(facts.offset, facts.size)).equals(expected))
      throw invalid(`${FACTS_PATH} does not match ${INVENTORY_PATH}`);
  }
  const images = await expectEntry(IMAGES_PATH, undefined);
  offset += TAR_BLOCK;
  const imagesEnd = offset + images.size;
  for (const layoutFile of layoutFiles(inventory.images, inventory.hostImages)) {
    const at = offset + TAR_BLOCK;
    await passEntry(layoutFile.path, layoutFile.bytes.length);
    if (!(await read(at, layoutFile.bytes.length)).equals(layoutFile.bytes))
      throw invalid(`${layoutFile.path} does not match bundle.json`);
  }
  const blobs = inventory.blobs.flatMap(({ offset: at, ...blob }) =>
    at === undefined ? [] : [{ ...blob, file, offset: at }],
  );
  for (const blob of blobs) {
    if (blob.offset !== offset + TAR_BLOCK)
      throw invalid(`blob ${blob.digest} is not at the offset in bundle.json`);
    await passEntry(blobPath(blob.digest), blob.size);
  }
  if (offset + TAR_END !== imagesEnd) throw invalid("images.tar does not end after its last blob");
  if (fileSize < imagesEnd + TAR_END)
    throw invalid(`the file is truncated: it has ${fileSize} of ${imagesEnd + TAR_END} bytes`);
  if (fileSize > imagesEnd + TAR_END)
    throw invalid(
      `${countOf(fileSize - imagesEnd - TAR_END, "additional byte")} after the end of the bundle`,
    );
  const end = await readAfterPadding(offset, 2 * TAR_END);
  if (end.some((byte) => byte !== 0)) throw invalid("the end of the archive is damaged");
  if (required !== undefined) {
    for (const { path, sha256 } of inventory.files) {
      const entry = entries.get(path);
      // A file of the base is checked where it is used.
      if (entry !== undefined && (await sha256Of(source, entry.offset, entry.size)) !== sha256)
        throw invalid(`${path} is damaged: its sha256 is not ${sha256}`);
    }
  }
  return {
    file,
    size: fileSize,
    digest: digestOf(inventoryBytes),
    inventory,
    ...(signature !== undefined && { signature }),
    blobs: new Map(blobs.map((blob) => [blob.digest, blob])),
    ...(inventory.base !== undefined && { missingBase: inventory.base }),
    read: (at, length) => readExactly(file, at, length),
    readPlace: ({ file: holder, offset: at, size }, from = 0, length = size - from) =>
      readExactly(holder, at + from, length),
    locate: (path) => {
      const entry = entries.get(path);
      if (entry !== undefined) return { file, ...entry };
      const { base } = inventory;
      if (base !== undefined && inventory.files.some((one) => one.path === path))
        throw inBase(file, path, base);
      throw invalid(`the bundle does not contain ${path}`);
    },
  };
}

async function readExactly(file: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await readFileRange(file, offset, length);
  if (bytes.length < length) throw cutShort(file);
  return bytes;
}

function inBase(file: string, path: string, base: InventoryBase): ViolaError {
  return new ViolaError(
    "BASE_MISSING",
    `${path} is not in ${file} but in its base ${formatIdentity(base)}, which was not given`,
    { subject: file, hint: "Add --base FILE with that bundle." },
  );
}

/** Hashes in pieces, because a bundled program may have 100 MB. */
async function sha256Of(source: SourceFile, offset: number, size: number): Promise<string> {
  const hash = createHash("sha256");
  for (let done = 0; done < size; done += PIECE_BYTES)
    hash.update(await readRange(source, offset + done, Math.min(PIECE_BYTES, size - done)));
  return hash.digest("hex");
}
