// Chart archives (.tgz): unpacking them into a folder safely, and packing so that the same files give the same bytes.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, gzipSync } from "node:zlib";
import { extract, pack } from "tar-stream";
import type { ChartText } from "../../core/charts/chart.js";
import { ViolaError } from "../../errors.js";

/** One file of an archive; `path` is normalized and inside the archive. */
interface ArchivedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Unpacks the chart archive into `folder` and returns the folder of the chart in it.
 * Throws `CHART_UNAVAILABLE` when it is no gzipped tar, when an entry would leave the folder or is a link, and when it does not
 * hold one chart in one folder.
 */
export async function unpackChart(file: string, folder: string): Promise<string> {
  const files = await readArchive(file);
  const tops = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
  const [top] = tops;
  if (top === undefined || tops.size !== 1 || !files.some(({ path }) => path === `${top}/Chart.yaml`)) {
    throw unusable(file, "does not hold one folder with a Chart.yaml");
  }
  for (const { path, bytes } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  return join(folder, top);
}

/** Returns the Chart.yaml of a chart archive. Throws as `unpackChart` does. */
export async function readChartYaml(file: string): Promise<string> {
  const files = await readArchive(file);
  const chartYaml = files.find(({ path }) => /^[^/]+\/Chart\.yaml$/.test(path));
  if (chartYaml === undefined) throw unusable(file, "has no Chart.yaml");
  return chartYaml.bytes.toString("utf8");
}

/** Returns the text files of a chart archive that are asked for, those of archives in its `charts` folder too. */
export async function readTexts(
  file: string,
  isWanted: (path: string) => boolean,
): Promise<readonly ChartText[]> {
  return textsIn(await readArchive(file), file, isWanted);
}

async function textsIn(
  files: readonly ArchivedFile[],
  archive: string,
  isWanted: (path: string) => boolean,
): Promise<readonly ChartText[]> {
  const texts: ChartText[] = [];
  for (const { path, bytes } of files) {
    if (/\/charts\/[^/]+\.tgz$/.test(path)) {
      const inner = await readArchive(`${archive}/${path}`, Readable.from([bytes]));
      const folder = posix.dirname(path);
      for (const { path: innerPath, text } of await textsIn(inner, path, isWanted)) {
        texts.push({ path: posix.join(folder, innerPath), text });
      }
    } else if (isWanted(path)) {
      texts.push({ path, text: bytes.toString("utf8") });
    }
  }
  return texts;
}

/** Returns the archive's files packed again: sorted, without times, owners and modes of this machine. */
export async function repackChart(file: string): Promise<Buffer> {
  const files = await readArchive(file);
  const tar = pack();
  const chunks: Buffer[] = [];
  const collected = (async () => {
    for await (const chunk of tar) chunks.push(chunk as Buffer);
  })();
  for (const { path, bytes } of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    tar.entry({ name: path, mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) }, bytes);
  }
  tar.finalize();
  await collected;
  const zipped = gzipSync(Buffer.concat(chunks), { level: 9 });
  // zlib writes the operating system here (RFC 1952, 2.3.1); 255 is "unknown".
  zipped[9] = 255;
  return zipped;
}

async function readArchive(
  file: string,
  content: Readable = createReadStream(file),
): Promise<ArchivedFile[]> {
  const files = new Map<string, ArchivedFile>();
  const entries = extract();
  try {
    const reading = pipeline(content, createGunzip(), entries);
    // The loop below ends with the same error.
    reading.catch(() => undefined);
    for await (const entry of entries) {
      const { name, type } = entry.header;
      const path = posix.normalize(name);
      if (posix.isAbsolute(path) || path === ".." || path.startsWith("../") || name.includes("\\")) {
        throw unusable(file, `has an entry that leaves its folder: ${name}`);
      }
      if (type === "symlink" || type === "link") throw unusable(file, `has a link: ${name}`);
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (type === "file" || type === "contiguous-file")
        files.set(path, { path, bytes: Buffer.concat(chunks) });
    }
    await reading;
  } catch (cause) {
    if (cause instanceof ViolaError) throw cause;
    throw unusable(file, `cannot be read as a chart archive: ${(cause as Error).message}`, cause);
  }
  return [...files.values()];
}

function unusable(file: string, what: string, cause?: unknown): ViolaError {
  return new ViolaError("CHART_UNAVAILABLE", `${file} ${what}`, { subject: file, cause });
}
