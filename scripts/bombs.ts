// Gives hostile inputs to the built program, and prints seconds, peak memory, and how long it takes
// to end after SIGTERM: npm run bombs. The program must be built (npm run build).
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { formatTarHeader, paddedSize, TAR_END } from "../src/core/bundle/tar-header.js";

const MAIN = process.env["VIOLA_MAIN"] ?? join(import.meta.dirname, "../dist/main.js");
const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "viola-bombs-"));
const peakFile = join(folder, "peak");

function bundle(json: string): string {
  const file = join(folder, "bomb.bundle");
  const size = Buffer.byteLength(json);
  writeFileSync(
    file,
    Buffer.concat([
      formatTarHeader("bundle.json", size),
      Buffer.from(json),
      Buffer.alloc(paddedSize(size) - size + TAR_END),
    ]),
  );
  return file;
}

function text(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function chart(files: Readonly<Record<string, string>>): string {
  const inside = join(folder, "chart");
  rmSync(inside, { recursive: true, force: true });
  mkdirSync(join(inside, "templates"), { recursive: true });
  writeFileSync(join(inside, "Chart.yaml"), "apiVersion: v2\nname: chart\nversion: 1.0.0\n");
  for (const [path, content] of Object.entries(files)) writeFileSync(join(inside, path), content);
  return inside;
}

function archive(zeros: number): string {
  const chartYaml = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
  const entry = (name: string, content: Buffer): Buffer =>
    Buffer.concat([
      formatTarHeader(name, content.length),
      content,
      Buffer.alloc(paddedSize(content.length) - content.length),
    ]);
  // Members of gzip may follow one another, so that the zeros need not be in memory here.
  const megabyte = gzipSync(Buffer.alloc(MIB));
  const file = join(folder, "bomb.tgz");
  writeFileSync(
    file,
    Buffer.concat([
      gzipSync(entry("chart/Chart.yaml", Buffer.from(chartYaml))),
      gzipSync(formatTarHeader("chart/zeros", zeros * MIB)),
      ...Array.from({ length: zeros }, () => megabyte),
      gzipSync(Buffer.alloc(TAR_END)),
    ]),
  );
  return file;
}

const head = (rest: string): string =>
  `{"formatVersion":1,"name":"a","version":"1","createdFrom":{"spec":"sha256:${"0".repeat(64)}","tool":"t"},"platforms":[],"apiVersions":[],"releases":[],"excluded":[],"warnings":[],"files":[],${rest}}`;
const aliases = Array.from({ length: 9 }, (_, level) => {
  return `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(",")}]`;
}).join("\n");

/** Name, and what makes the arguments. */
const BOMBS: readonly (readonly [string, () => readonly string[]])[] = [
  [
    "inventory: layers:[0,0,…], 8 MiB",
    () => [
      "verify",
      bundle(head(`"blobs":[],"images":[{"platforms":[{"layers":[${"0,".repeat(4 * MIB)}0]}]}]`)),
    ],
  ],
  [
    "inventory: blobs:[0,0,…], 8 MiB",
    () => ["verify", bundle(head(`"images":[],"blobs":[${"0,".repeat(4 * MIB)}0]`))],
  ],
  [
    "inventory: blobs:[{},{},…], 400,000",
    () => ["verify", bundle(head(`"images":[],"blobs":[${"{},".repeat(400_000)}{}]`))],
  ],
  [
    "inventory: 60 MB in an ignored key",
    () => ["verify", bundle(head(`"images":[],"blobs":[],"x":"${"x".repeat(60e6)}"`))],
  ],
  [
    "inventory: 30 MB in ignored keys",
    () => ["verify", bundle(head(`"images":[],"blobs":[]${`,"x":"${"ä".repeat(500_000)}"`.repeat(30)}`))],
  ],
  ["inventory: 2,000,000 brackets", () => ["verify", bundle(`{"formatVersion":1,"x":${"[".repeat(2e6)}`)]],
  ["spec: 2,000,000 brackets", () => ["images", text("spec.yaml", `name: ${"[".repeat(2e6)}`)]],
  [
    "spec: aliases of aliases",
    () => ["images", text("spec.yaml", `l0: &l0 [a,a,a,a,a,a,a,a,a]\n${aliases}\n`)],
  ],
  [
    "spec: 400,000 unknown keys",
    () => ["images", text("spec.yaml", Array.from({ length: 400_000 }, (_, at) => `k${at}: 1`).join("\n"))],
  ],
  ["spec: /dev/zero", () => ["images", "/dev/zero"]],
  [
    "settings: 2,000,000 brackets",
    () => ["images", "oci://127.0.0.1:1/x", "--config", text("c.yaml", `mirrors: ${"[".repeat(2e6)}`)],
  ],
  ["chart: one file of 1000 MB", () => ["images", archive(1000)]],
  ["chart: one file of 90 MB", () => ["images", archive(90)]],
  [
    "chart: 400,000 rendered objects",
    () => [
      "images",
      chart({
        "templates/a.yaml":
          "{{- range until 400000 }}\n---\n{kind: ConfigMap, metadata: {name: a{{ . }}}}\n{{- end }}\n",
      }),
    ],
  ],
  [
    "chart: 19,000 rendered objects",
    () => [
      "images",
      chart({
        "templates/a.yaml":
          '{{- range until 19000 }}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: a{{ . }}}, spec: {containers: [{name: a, image: "a/b:{{ . }}"}]}}\n{{- end }}\n',
      }),
    ],
  ],
  [
    "chart: 2,000,000 rendered brackets",
    () => [
      "images",
      chart({
        "templates/a.yaml": 'kind: ConfigMap\nmetadata: {name: a}\ndata: { a: "{{ repeat 2000000 "[" }}" }\n',
      }),
    ],
  ],
  [
    "chart: 60 MB rendered",
    () => [
      "images",
      chart({
        "templates/a.yaml":
          'kind: ConfigMap\nmetadata: {name: a}\ndata: { a: "{{ repeat 60000000 "x" }}" }\n',
      }),
    ],
  ],
];

interface Measure {
  readonly seconds: number;
  readonly peakMb: number;
  readonly code: number | string;
  readonly said: string;
}

/** With `stopAfterMs`, sends SIGTERM then; `seconds` counts from there. */
async function measure(args: readonly string[], stopAfterMs?: number): Promise<Measure> {
  rmSync(peakFile, { force: true });
  const hook = `import{writeFileSync as w}from"node:fs";process.on("exit",()=>w(${JSON.stringify(peakFile)},String(process.resourceUsage().maxRSS)))`;
  const child = spawn(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(hook)}`, MAIN, ...args],
    {
      stdio: ["ignore", "ignore", "pipe"],
      cwd: folder,
    },
  );
  let from = performance.now();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  const timer =
    stopAfterMs === undefined
      ? undefined
      : setTimeout(() => {
          from = performance.now();
          child.kill("SIGTERM");
        }, stopAfterMs);
  const tooLong = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const code = await new Promise<number | string>((resolve) => {
    child.once("close", (status, signal) => {
      resolve(status ?? signal ?? "");
    });
  });
  clearTimeout(timer);
  clearTimeout(tooLong);
  const seconds = (performance.now() - from) / 1000;
  let peakMb = NaN;
  try {
    peakMb = Number(readFileSync(peakFile, "utf8")) / 1000;
  } catch {
    // The process was killed.
  }
  return { seconds, peakMb, code, said };
}

const only = process.argv[2] ?? "";
try {
  for (const [name, make] of BOMBS.filter(([one]) => one.includes(only))) {
    const args = make();
    const whole = await measure(args);
    const stopped = whole.seconds > 1 ? await measure(args, (whole.seconds * 1000) / 2) : undefined;
    const stop = stopped === undefined ? "ended before" : `${stopped.seconds.toFixed(1)} s`;
    const error = /^error: (.*)$/m.exec(whole.said)?.[1]?.replaceAll(folder, "").slice(0, 100) ?? "";
    console.log(
      `| ${name} | ${whole.peakMb.toFixed(0)} MB | ${whole.seconds.toFixed(1)} s | ${stop} | ${whole.code} | ${error} |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
