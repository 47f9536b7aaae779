// Makes reports of audits for tests, with sizes that agree with each other.
import { createHash } from "node:crypto";
import type {
  AuditComponent,
  AuditFinding,
  AuditImage,
  AuditLayer,
  AuditReport,
} from "../../src/core/audit/report.js";

/** An image by the names and sizes of its layers. Layers of the same name are the same blob. */
export interface ImageSketch {
  readonly name: string;
  /** Names of components; by default, none. */
  readonly components?: readonly string[];
  readonly layers: Readonly<Record<string, number>>;
  /** Bytes of the config, which no other image has. */
  readonly config?: number;
  readonly more?: Partial<AuditImage>;
}

export function sha256Of(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** Returns the report of a bundle with these images for linux/amd64. */
export function auditReportOf(
  sketches: readonly ImageSketch[],
  more: Partial<AuditReport> = {},
): AuditReport {
  const users = new Map<string, { readonly size: number; readonly images: string[] }>();
  for (const { name, layers } of sketches) {
    for (const [layer, size] of Object.entries(layers)) {
      const known = users.get(layer) ?? { size, images: [] };
      known.images.push(name);
      users.set(layer, known);
    }
  }
  const layers: AuditLayer[] = [...users].map(([layer, { size, images }]) => ({
    digest: sha256Of(layer),
    size,
    uncompressedSize: size * 2,
    images,
  }));
  const images = sketches.map((sketch) => imageOf(sketch, users));
  const names = [...new Set(sketches.flatMap(({ components = [] }) => components))].sort();
  const layerBytes = layers.reduce((sum, { size }) => sum + size, 0);
  const uniqueBytes = sketches.reduce((sum, { config = 0 }) => sum + config, layerBytes);
  return {
    formatVersion: 2,
    name: "shop",
    version: "1.0.0",
    platforms: ["linux/amd64"],
    kubeVersion: "v1.30.2",
    releases: [
      {
        name: "shop",
        namespace: "apps",
        chart: { name: "shop", version: "1.0.0", appVersion: "2.1" },
        file: "charts/shop-1.0.0.tgz",
        sha256: sha256Of("chart").slice(7),
        values: [],
      },
    ],
    components: names.map((name) => componentOf(name, images)),
    images,
    layers: layers.toSorted((a, b) => b.size - a.size),
    totals: {
      images: images.length,
      layers: layers.length,
      uniqueBytes,
      sharedBytes: images.reduce((sum, { compressedBytes }) => sum + compressedBytes, -uniqueBytes),
      uncompressedBytes: 2 * layerBytes,
    },
    findings: [],
    warnings: [],
    ...more,
  };
}

function imageOf(
  { name, components = [], layers, config = 0, more = {} }: ImageSketch,
  users: ReadonlyMap<string, { readonly images: readonly string[] }>,
): AuditImage {
  const sizes = Object.entries(layers);
  const compressedBytes = sizes.reduce((sum, [, size]) => sum + size, config);
  const uniqueBytes = sizes
    .filter(([layer]) => users.get(layer)?.images.length === 1)
    .reduce((sum, [, size]) => sum + size, config);
  const [registry = ""] = name.split("/");
  const [repository = "", tag = ""] = name.split(/:(?=[^:/]*$)/);
  return {
    reference: name,
    normalized: name,
    registry,
    repository,
    tag,
    version: tag,
    digest: sha256Of(`${name} index`),
    required: true,
    confidence: "certain",
    rebuilt: false,
    components,
    usedBy: [`Deployment apps/${components[0] ?? "web"}`],
    purpose: null,
    created: "2024-11-05T10:20:30Z",
    user: "65534",
    base: null,
    platforms: [
      {
        platform: "linux/amd64",
        digest: sha256Of(`${name} manifest`),
        layers: sizes.map(([layer]) => sha256Of(layer)),
        compressedBytes,
        uncompressedBytes: 2 * compressedBytes,
        created: "2024-11-05T10:20:30Z",
        user: "65534",
      },
    ],
    compressedBytes,
    uncompressedBytes: 2 * compressedBytes,
    uniqueBytes,
    sharedBytes: compressedBytes - uniqueBytes,
    evidence: [
      {
        rule: "pod-spec",
        chart: "shop-1.0.0",
        template: `shop/charts/${components[0] ?? "web"}/templates/deployment.yaml`,
        object: `Deployment apps/${components[0] ?? "web"}`,
        path: "spec.template.spec.containers[0].image",
        value: name,
      },
    ],
    ...more,
  };
}

function componentOf(name: string, all: readonly AuditImage[]): AuditComponent {
  const images = all.filter(({ components }) => components.includes(name));
  const workload = { kind: "Deployment", namespace: "apps", name, resource: null };
  return {
    name,
    purpose: null,
    release: "shop",
    namespace: "apps",
    chart: { name, version: "1.2.3", appVersion: "2.1", description: null },
    workloads: [workload],
    images: images.map(({ normalized, purpose }) => ({ normalized, purpose, workloads: [workload] })),
    compressedBytes: images.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0),
    uncompressedBytes: images.reduce((sum, image) => sum + (image.uncompressedBytes ?? 0), 0),
  };
}

/** A finding about the subject. */
export function findingOf(
  subject: string,
  { rule = "mutable-tag", severity = "warning", ...more }: Partial<AuditFinding> = {},
): AuditFinding {
  return {
    rule,
    severity,
    subject,
    message: "the tag can point to another image tomorrow",
    why: "A node that pulls it again can start something else than what was tested.",
    action: "Use a tag that is not moved, or pin the digest.",
    kind: rule,
    values: {},
    ...more,
  };
}

/** A report of this many images, with ten layers of its own each and three that are shared. */
export function largeReport(count: number): AuditReport {
  const images = Array.from({ length: count }, (_, index): ImageSketch => {
    const component = `component-${String(Math.floor(index / 5)).padStart(3, "0")}`;
    const layers = Array.from({ length: 13 }, (_, layer): [string, number] => {
      const isShared = layer < 3;
      const of = isShared ? Math.floor(index / (5 * (3 - layer))) : index;
      // Sizes of a long tail.
      return [`layer ${layer} ${of}`, 1000 + ((index * 7919 + layer * 104729) % 977) ** 2 * 40];
    });
    const name = `registry-${index % 7}.example/team-${index % 11}/application-${index}:1.${index % 30}.0`;
    const evidence = Array.from({ length: 3 }, (_, place) => ({
      rule: "pod-spec",
      chart: `chart-${Math.floor(index / 50)}-1.0.0`,
      template: `chart-${Math.floor(index / 50)}/charts/${component}/templates/deployment-${place}.yaml`,
      object: `Deployment namespace-${index % 9}/application-${index}-${place}`,
      path: `spec.template.spec.containers[${place}].image`,
      value: name,
    }));
    return {
      name,
      components: [component],
      layers: Object.fromEntries(layers),
      config: 3000 + index,
      more: { evidence, purpose: "serves a part of the application that is described in some detail here" },
    };
  });
  const findings = images.flatMap(({ name }, index) => [
    findingOf(name, { severity: "note", rule: "runs-as-root" }),
    ...(index % 3 === 0 ? [findingOf(name)] : []),
    ...(index % 9 === 0 ? [findingOf(name, { rule: "duplicate-versions", severity: "error" })] : []),
  ]);
  return auditReportOf(images, { findings });
}
