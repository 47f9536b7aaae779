// The JSON schema of the document that `audit --json` prints.
import * as z from "zod";
import { AUDIT_FORMAT_VERSION, type AuditReport } from "./report.js";

const text = z.string();
const bytes = z.int().min(0).describe("Bytes.");
const digest = text.describe("ALGORITHM:HEX.");
const reference = text.describe("Reference with registry, repository, and tag, digest or both.");
const unknownBytes = bytes.nullable().describe("Bytes; null when the size of a layer is not known.");
const created = text.nullable().describe("ISO date with time; null when absent, unreadable or before 1971.");
const user = text.nullable().describe("User of the config; empty when none is set, which is root.");

const labels = z
  .object({ name: text.exactOptional(), component: text.exactOptional() })
  .describe("app.kubernetes.io/name and app.kubernetes.io/component.");

const evidence = z
  .object({
    rule: text,
    chart: text,
    template: text,
    object: text,
    path: text,
    value: text,
    because: text.exactOptional(),
    hooks: z.array(text).exactOptional(),
    release: text.exactOptional(),
    labels: labels.exactOptional(),
    workloads: z
      .array(
        z.object({
          kind: text,
          component: text.exactOptional(),
          object: text,
          template: text,
          release: text.exactOptional(),
          labels: labels.exactOptional(),
        }),
      )
      .exactOptional(),
  })
  .describe("A place that names the image, or a rule that implies it.");

const workload = z
  .object({
    kind: text.describe("Kind that runs the image, such as StatefulSet."),
    namespace: text.nullable(),
    name: text,
    resource: text.nullable().describe("The custom resource that stands for it."),
  })
  .describe("An object that runs Pods.");

const release = z.object({
  name: text,
  namespace: text,
  chart: z.object({
    name: text,
    version: text,
    appVersion: text.exactOptional(),
    kubeVersion: text.exactOptional(),
    range: text.exactOptional(),
  }),
  file: text,
  sha256: text,
  values: z.array(text),
  withheldValues: z.object({ keys: z.array(text) }).exactOptional(),
});

const component = z.object({
  name: text,
  purpose: text.nullable(),
  release: text.nullable(),
  namespace: text.nullable(),
  chart: z
    .object({ name: text, version: text, appVersion: text.nullable(), description: text.nullable() })
    .nullable(),
  workloads: z.array(workload),
  images: z.array(
    z.object({ normalized: reference, purpose: text.nullable(), workloads: z.array(workload) }),
  ),
  compressedBytes: bytes,
  uncompressedBytes: unknownBytes,
});

const image = z.object({
  reference: text.describe("The reference as written in the chart."),
  normalized: reference,
  registry: text,
  repository: text.describe("With the registry."),
  tag: text.nullable(),
  version: text.describe("The tag, or the digest when there is no tag."),
  digest: digest.describe("ALGORITHM:HEX; empty when the image could not be resolved."),
  required: z.boolean(),
  confidence: z.enum(["certain", "high", "medium", "low"]),
  rebuilt: z.boolean().describe("True when the digests differ from those of the registry."),
  components: z.array(text).describe("Names of the components that use the image."),
  usedBy: z.array(text).describe("Objects that use the image."),
  purpose: text.nullable(),
  created,
  user,
  base: z
    .object({ name: text.nullable(), digest: text.nullable() })
    .nullable()
    .describe("The base image, from the labels org.opencontainers.image.base.*."),
  platforms: z
    .array(
      z.object({
        platform: text,
        digest,
        layers: z.array(digest).describe("In order."),
        compressedBytes: bytes,
        uncompressedBytes: unknownBytes,
        created,
        user,
      }),
    )
    .describe("Empty when the image could not be resolved; its sizes are then 0 and null."),
  compressedBytes: bytes,
  uncompressedBytes: unknownBytes,
  uniqueBytes: bytes.describe("Bytes of blobs that no other image uses: what leaving it out saves."),
  sharedBytes: bytes,
  evidence: z.array(evidence),
});

const finding = z.object({
  rule: text,
  severity: z.enum(["error", "warning", "note"]),
  subject: text.describe("A reference, a repository, a layer, a chart or an object."),
  message: text.describe("What is the case."),
  why: text.describe("Why it matters."),
  action: text.describe("What to do about it."),
  suppressed: z.object({ reason: text, until: text.exactOptional() }).exactOptional(),
  kind: text.describe("Which of the texts of the rule it has."),
  values: z.record(text, z.union([text, z.number()])).describe("The values in the texts."),
});

const warning = z.object({
  code: text,
  message: text,
  hint: text.exactOptional(),
  chart: text.exactOptional(),
  template: text.exactOptional(),
  object: text.exactOptional(),
  images: z.array(text).exactOptional(),
  incomplete: z.boolean(),
  silenced: text.exactOptional(),
});

const newerTag = z
  .object({
    tag: text,
    sizeChange: z.int().nullable().describe("Compressed bytes more than now; null when not known."),
  })
  .exactOptional();
const newerChart = z.object({ version: text }).exactOptional();

const outdated = z.object({
  images: z
    .array(
      z.object({
        normalized: reference,
        current: text.describe("Its tag."),
        patch: newerTag,
        minor: newerTag,
        major: newerTag,
      }),
    )
    .describe("Images with newer tags of the same kind."),
  charts: z.array(
    z.object({
      release: text,
      namespace: text,
      chart: text.describe("The chart, or after a slash one of its dependencies."),
      current: text,
      patch: newerChart,
      minor: newerChart,
      major: newerChart,
    }),
  ),
  notChecked: z.array(
    z.object({
      subject: text,
      code: z.enum(["no-version", "no-tag", "unavailable", "not-listed", "no-source"]),
      reason: text,
    }),
  ),
  checked: z.object({ images: z.int(), charts: z.int() }).describe("Numbers of what was compared."),
});

/** The fields of the document. Readers must ignore fields that they do not know. */
export const AUDIT_SCHEMA: z.ZodType<AuditReport> = z
  .object({
    formatVersion: z.literal(AUDIT_FORMAT_VERSION),
    name: text,
    version: text,
    platforms: z.array(text),
    kubeVersion: text.nullable(),
    releases: z.array(release),
    components: z.array(component),
    images: z.array(image),
    layers: z
      .array(z.object({ digest, size: bytes, uncompressedSize: unknownBytes, images: z.array(reference) }))
      .describe("Every layer once, largest first."),
    totals: z.object({
      images: z.int(),
      layers: z.int(),
      uniqueBytes: bytes.describe("Bytes of all configs and layers; each is counted once."),
      sharedBytes: bytes.describe("Bytes saved because images share blobs."),
      uncompressedBytes: unknownBytes,
    }),
    findings: z.array(finding).describe("Suppressed findings are included."),
    warnings: z.array(warning),
    outdated: outdated.exactOptional().describe("Only with --outdated."),
  })
  .describe("The audit of a viola-airgap bundle or spec: the document of `audit --json`.");

const SCHEMA_ID = "urn:viola-airgap:audit";

/** Returns the JSON schema, which is stored in `manifests/audit.schema.json`. */
export function auditSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(AUDIT_SCHEMA, { io: "input", target: "draft-7" });
  return { $schema, $id: SCHEMA_ID, ...schema };
}
