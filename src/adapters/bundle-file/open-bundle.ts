// Opens a bundle file: reads its inventory and checks that the file is laid out as the inventory says.
import { open, stat, type FileHandle } from "node:fs/promises";
import { formatFacts } from "../../core/bundle/facts.js";
import { MAX_INVENTORY_BYTES, parseInventory } from "../../core/bundle/inventory.js";
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
import { systemErrorCode, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../../workflows/ports.js";
import { cutShort, readFileRange, readRange } from "../files/read-range.js";

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
    const code = systemErrorCode(cause);
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
    const bytes = await readRange(handle, offset, length);
    if (bytes.length < length)
      throw invalid(`the file is cut short: it ends at ${fileSize} bytes, and more should follow`);
    return bytes;
  };
  const header = async (offset: number): Promise<TarEntry | undefined> =>
    parseTarHeader(await read(offset, TAR_BLOCK), file);

  if (fileSize < TAR_BLOCK)
    throw invalid("this is no bundle", "Give the file that `viola-airgap build` wrote.");
  const first = await header(0).catch((cause: unknown) => {
    // A damaged header at the very start is no header: this is another kind of file.
    if (cause instanceof ViolaError) return undefined;
    throw cause;
  });
  if (first?.name !== INVENTORY_PATH) {
    throw invalid("this is no bundle", "Give the file that `viola-airgap build` wrote.");
  }
  if (first.size > MAX_INVENTORY_BYTES) {
    throw invalid(`bundle.json has ${first.size} bytes; at most ${MAX_INVENTORY_BYTES} are read`);
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
    read: async (at, length) => {
      const bytes = await readFileRange(file, at, length);
      if (bytes.length < length) throw cutShort(file);
      return bytes;
    },
    locate: (path) => {
      const entry = entries.get(path);
      if (entry === undefined) throw invalid(`it holds no ${path}`);
      return entry;
    },
  };
}
