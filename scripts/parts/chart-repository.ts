// Serves a folder as a chart repository on 127.0.0.1. Generates index.yaml if the folder has none.
// https://helm.sh/docs/topics/chart_repository/
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { parse, stringify } from "yaml";

export interface ChartRepository {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Paths requested so far. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Serves a folder of packaged charts and its subfolders on a free port of 127.0.0.1. */
export async function startChartRepository(folder: string): Promise<ChartRepository> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://charts").pathname);
    requests.push(path);
    const file = join(folder, normalize(path));
    if (existsSync(file) && statSync(file).isFile()) {
      response.writeHead(200, { "content-length": statSync(file).size });
      createReadStream(file).pipe(response);
    } else if (path.endsWith("/index.yaml") && existsSync(join(file, ".."))) {
      indexOf(join(file, "..")).then(
        (index) => response.writeHead(200, { "content-type": "application/yaml" }).end(index),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    } else {
      response.writeHead(404).end("not found\n");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Returns index.yaml for a folder of packaged charts. The same charts give the same bytes. */
export async function indexOf(folder: string): Promise<string> {
  const entries: Record<string, object[]> = {};
  const files = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  for (const file of files.sort()) {
    const bytes = readFileSync(join(folder, file));
    const chart = parse(await readChartYaml(bytes)) as { name: string };
    (entries[chart.name] ??= []).push({
      ...chart,
      urls: [file],
      digest: createHash("sha256").update(bytes).digest("hex"),
      created: "2024-11-15T00:00:00Z",
    });
  }
  return stringify({ apiVersion: "v1", entries, generated: "2024-11-15T00:00:00Z" });
}

/** Returns the text of NAME/Chart.yaml in a packaged chart, not that of a subchart. */
async function readChartYaml(archive: Buffer): Promise<string> {
  const entries = Readable.from([archive]).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    if (!/^[^/]+\/Chart\.yaml$/.test(entry.header.name)) {
      entry.resume();
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }
  throw new Error("a packaged chart without Chart.yaml");
}
