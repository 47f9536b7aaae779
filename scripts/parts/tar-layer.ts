// Creates layers of a few files, and zip archives, for images in tests.
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** One entry of a layer; a path that ends in `/` is a folder. */
export interface LayerFile {
  readonly path: string;
  readonly bytes?: Buffer | string;
  /** Default: 755. */
  readonly mode?: number;
}

/** Returns the tar of the files. */
export async function makeTar(files: readonly LayerFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { path, bytes = "", mode = 0o755 } of files) {
    const type = path.endsWith("/") ? "directory" : "file";
    tar.entry({ name: path, mode, type, mtime: new Date(0) }, Buffer.from(bytes));
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Returns the tar of the files as gzip. Level 1 is used because programs are large. */
export async function makeGzipLayer(files: readonly LayerFile[]): Promise<Buffer> {
  return gzipSync(await makeTar(files), { level: 1 });
}

/**
 * Returns a zip archive, deflated or stored.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function makeZip(files: Readonly<Record<string, Buffer>>, isStored = false): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [path, bytes] of Object.entries(files)) {
    const packed = isStored ? bytes : deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(isStored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(path), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0", "latin1"), common, rest, Buffer.from(path)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
