// What reads data from outside, as functions of bytes. Each may only throw a `ViolaError`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSettings } from "../../src/adapters/files/user-settings.js";
import { parseJournal } from "../../src/adapters/bundle-file/partial-file.js";
import { describeAnswer } from "../../src/adapters/http/describe-answer.js";
import { parseChallenges } from "../../src/adapters/registry/auth.js";
import { withholdValues } from "../../src/core/bundle/bundled-values.js";
import { formatFacts } from "../../src/core/bundle/facts.js";
import { parseInventory, type InventoryRelease } from "../../src/core/bundle/inventory.js";
import { findNameConflicts } from "../../src/core/bundle/names.js";
import { parseTarHeader, TAR_BLOCK } from "../../src/core/bundle/tar-header.js";
import { addDependencies, parseChartYaml, parseDependencies } from "../../src/core/charts/chart-yaml.js";
import { parseDocuments } from "../../src/core/charts/parse-rendered.js";
import { parseRunningImages } from "../../src/core/check/running-images.js";
import { readStructure } from "../../src/core/embedded-yaml.js";
import { declaredImages } from "../../src/core/finding/declared-images.js";
import { findImages } from "../../src/core/finding/find-images.js";
import { indexOperators } from "../../src/core/finding/operator-index.js";
import { parseOperatorRule } from "../../src/core/finding/operator-rules.js";
import { findInProgramFile } from "../../src/core/finding/program/program-file.js";
import { patchPullPolicies } from "../../src/core/kubernetes/pull-policy.js";
import { UnusableYaml } from "../../src/core/parse-yaml.js";
import { checkRunnable, configPlatform, parseManifest } from "../../src/core/oci/manifest.js";
import { kindConfig } from "../../src/core/rehearsal/kind-cluster.js";
import { parseRecord } from "../../src/core/rehearsal/record.js";
import { parseBundleSpec } from "../../src/core/spec/parse-bundle-spec.js";
import { ROOT } from "../support/paths.js";

const CORPUS = join(ROOT, "test/fixtures/fuzz");

/** One reader, and the inputs that are changed for it. */
export interface FuzzTarget {
  readonly name: string;
  /** Names of files in the corpus begin with this. */
  readonly corpus: string;
  readonly read: (bytes: Buffer) => void;
  readonly isSlow?: boolean;
}

const text = (read: (text: string) => void) => (bytes: Buffer) => {
  read(bytes.toString("utf8"));
};

const OPERATORS = indexOperators(
  ["prometheus-operator", "strimzi"].map((name) =>
    parseOperatorRule(readFileSync(join(ROOT, `manifests/operators/${name}.yaml`), "utf8"), name),
  ),
);

const VALUES_RELEASE: InventoryRelease = {
  name: "app",
  namespace: "default",
  chart: { name: "app", version: "1.0.0" },
  file: "charts/app-1.0.0.tgz",
  sha256: "0".repeat(64),
  values: ["values/app.yaml"],
};

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: "tar header",
    corpus: "header",
    read: (bytes) => {
      parseTarHeader(Buffer.concat([bytes, Buffer.alloc(TAR_BLOCK)]).subarray(0, TAR_BLOCK), "fuzz");
    },
  },
  {
    name: "inventory and facts",
    corpus: "inventory",
    read: (bytes) => {
      const inventory = parseInventory(bytes, "fuzz");
      findNameConflicts(inventory.images);
      formatFacts(inventory);
    },
  },
  {
    name: "manifest",
    corpus: "manifest",
    read: (bytes) => {
      const manifest = parseManifest(bytes, undefined, "fuzz");
      if (manifest.kind === "manifest") checkRunnable(manifest, "fuzz");
    },
  },
  { name: "image config", corpus: "config", read: (bytes) => void configPlatform(bytes) },
  {
    name: "rendered text",
    isSlow: true,
    corpus: "rendered",
    read: text((rendered) => {
      const objects = [...parseDocuments(rendered, { chart: "app-1.0.0", release: "app" })].flatMap(
        (part) => part.objects,
      );
      findImages(objects, { operators: OPERATORS });
    }),
  },
  {
    name: "pull policies",
    isSlow: true,
    corpus: "rendered",
    read: text((rendered) => void patchPullPolicies(rendered)),
  },
  {
    name: "embedded text",
    isSlow: true,
    corpus: "rendered",
    read: text((inner) => {
      try {
        readStructure(inner);
      } catch (cause) {
        // The finder warns of the object that contains the text.
        if (!(cause instanceof UnusableYaml)) throw cause;
      }
    }),
  },
  {
    name: "chart",
    isSlow: true,
    corpus: "chart",
    read: text((chart) => {
      parseChartYaml(chart, "fuzz");
      parseDependencies(chart, "fuzz");
      addDependencies(chart, [{ name: "a", version: "1", repository: "https://x.invalid" }], "fuzz");
      declaredImages("fuzz", [{ path: "app/Chart.yaml", text: chart }]);
    }),
  },
  {
    name: "requirements",
    isSlow: true,
    corpus: "chart",
    read: text((requirements) => {
      parseDependencies(requirements, "fuzz");
      addDependencies(requirements, [{ name: "a", version: "1", repository: "https://x.invalid" }], "fuzz");
    }),
  },
  {
    name: "spec",
    isSlow: true,
    corpus: "spec",
    read: text((spec) => void parseBundleSpec(spec, "fuzz", "/folder")),
  },
  {
    name: "values without content",
    isSlow: true,
    corpus: "rendered",
    read: (bytes) => void withholdValues(VALUES_RELEASE, [{ path: "values/app.yaml", bytes }], "keys"),
  },
  { name: "settings", corpus: "settings", read: text((settings) => void parseSettings(settings, "fuzz")) },
  { name: "journal", corpus: "journal", read: text((journal) => void parseJournal(journal)) },
  { name: "record", corpus: "record", read: text((record) => void parseRecord(record, "fuzz")) },
  { name: "pods", corpus: "pods", read: text((pods) => void parseRunningImages(pods, "fuzz")) },
  { name: "operator rule", corpus: "operator", read: text((rule) => void parseOperatorRule(rule, "fuzz")) },
  { name: "kind config", corpus: "kind", read: text((config) => void kindConfig("fuzz", undefined, config)) },
  { name: "challenge", corpus: "challenge", read: text((header) => void parseChallenges(header)) },
  { name: "error body", corpus: "challenge", read: (bytes) => void describeAnswer(500, bytes) },
  {
    name: "program",
    corpus: "program",
    read: (bytes) => {
      for (const path of ["bin/operator", "config/images.yaml"])
        findInProgramFile({ path, bytes, isEntrypoint: true }, { operatorTag: "v1.0.0", wanted: new Set() });
    },
  },
];

/** Returns the corpus of a target. */
export function readCorpus({ corpus }: FuzzTarget): readonly Buffer[] {
  const files = readdirSync(CORPUS).filter((file) => file.startsWith(corpus));
  return files.sort().map((file) => readFileSync(join(CORPUS, file)));
}
