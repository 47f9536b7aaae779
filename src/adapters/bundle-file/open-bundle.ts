// Opens a bundle file: reads its inventory and checks that the file is laid out as the inventory says.
import { open, stat, type FileHandle } from "node:fs/promises";
import { formatFacts } from "../../core/bundle/facts.js";
import { parseInventory } from "../../core/bundle/inventory.js";
import { layoutFiles } from "../../core/bundle/layout-files.js";
import { blobPath, FACTS_PATH, IMAGES_PATH, INVENTORY_PATH } from "../../core/bundle/paths.js";
import {
  paddedSize,
  parseTarHeader,
  TAR_BLOCK,
  TAR_END,
  type TarEntry,
} from "../../core/bundle/tar-header.js";
import { digestOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../../workflows/ports.js";

const INVENTORY_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Reads the inventory and follows every tar header of the file, names and offsets compared with what the inventory says: nothing is
 * extracted, and an entry too many, too few or in another place is an error.
 * Throws `FILE_UNUSABLE`, `BUNDLE_INVALID` or `BUNDLE_UNSUPPORTED`.
 */
export async function openBundle(file: string): Promise<OpenBundle> {
  let handle: FileHandle;
  let fileSize: number;
  try {
    fileSize = (await stat(file)).size;
    handle = await open(file, "r");
  } catch (cause) {
    const { code = "EIO" } = cause as NodeJS.ErrnoException;
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
  try {
    return await readLayout(file, handle, fileSize);
  } finally {
    await handle.close();
  }
}

async function readLayout(file: string, handle: FileHandle, fileSize: number): Promise<OpenBundle> {
  const invalid = (
    message: string,
    hint = "Copy the file again, and compare its sha256 with that of the original.",
  ): ViolaError => new ViolaError("BUNDLE_INVALID", `${file}: ${message}`, { subject: file, hint });
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    if (bytesRead < length)
      throw invalid(`the file is cut short: it ends at ${fileSize} bytes, and more should follow`);
    return buffer;
  };
  const header = async (offset: number): Promise<TarEntry | undefined> =>
    parseTarHeader(await read(offset, TAR_BLOCK), file);

  if (fileSize < TAR_BLOCK)
    throw invalid("this is no bundle", "Give the file that `viola-airgap build` wrote.");
  const first = await header(0).catch(() => undefined);
  if (first?.name !== INVENTORY_PATH || first.size > INVENTORY_LIMIT_BYTES) {
    throw invalid("this is no bundle", "Give the file that `viola-airgap build` wrote.");
  }
  const inventoryBytes = await read(TAR_BLOCK, first.size);
  const inventory = parseInventory(inventoryBytes.toString("utf8"), file);

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
    return found;
  };
  const passEntry = async (name: string, size: number): Promise<void> => {
    await expectEntry(name, size);
    offset += TAR_BLOCK + paddedSize(size);
  };

  await passEntry(INVENTORY_PATH, first.size);
  for (const { path, size } of inventory.files) await passEntry(path, size);
  // load.sh reads facts where this program reads bundle.json, so the two must never disagree. Bundles that were
  // built before there were facts have none.
  const facts = entries.get(FACTS_PATH);
  if (facts !== undefined) {
    if (inventory.files[0]?.path !== FACTS_PATH) throw invalid(`${FACTS_PATH} is not its first file`);
    const expected = Buffer.from(formatFacts(inventory));
    if (facts.size !== expected.length || !(await read(facts.offset, facts.size)).equals(expected))
      throw invalid(`${FACTS_PATH} is not what ${INVENTORY_PATH} says`);
  }
  const images = await expectEntry(IMAGES_PATH, undefined);
  offset += TAR_BLOCK;
  const imagesEnd = offset + images.size;
  for (const layoutFile of layoutFiles(inventory.images, inventory.hostImages)) {
    const at = offset + TAR_BLOCK;
    await passEntry(layoutFile.path, layoutFile.bytes.length);
    if (!(await read(at, layoutFile.bytes.length)).equals(layoutFile.bytes))
      throw invalid(`${layoutFile.path} was changed`);
  }
  for (const blob of inventory.blobs) {
    if (blob.offset !== offset + TAR_BLOCK)
      throw invalid(`blob ${blob.digest} is not where bundle.json says`);
    await passEntry(blobPath(blob.digest), blob.size);
  }
  if (offset + TAR_END !== imagesEnd) throw invalid("images.tar does not end where it should");
  if (fileSize < imagesEnd + TAR_END)
    throw invalid(`the file is cut short: ${fileSize} of ${imagesEnd + TAR_END} bytes`);
  if (fileSize > imagesEnd + TAR_END)
    throw invalid(`${fileSize - imagesEnd - TAR_END} bytes follow after its end`);
  return {
    file,
    size: fileSize,
    digest: digestOf(inventoryBytes),
    inventory,
    read: (at, length) => readRange(file, at, length),
    locate: (path) => {
      const entry = entries.get(path);
      if (entry === undefined) throw invalid(`it holds no ${path}`);
      return entry;
    },
  };
}

async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(length);
    await handle.read(buffer, 0, length, offset);
    return buffer;
  } finally {
    await handle.close();
  }
}
