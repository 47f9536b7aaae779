// The schema of `bundle.yaml`, used by the parser and to generate the JSON schema for editors.
import * as z from "zod";
import * as names from "../name-patterns.js";
import { strictObject } from "../yaml-file.js";
import {
  auditImagesRule,
  auditRuleRule,
  byteSizeRule,
  chartRule,
  dateRule,
  dependenciesRule,
  imagesRule,
  platformRule,
  releasesRule,
  type Rule,
} from "./rules.js";

/** YAML parses `1.10` as a number and drops the zero. */
const quoted = z.string({
  error: ({ input }) => (typeof input === "number" ? "must be text: write it in quotes" : undefined),
});
const text = quoted.min(1, "must not be empty");

/**
 * Adapts a rule to a refinement of the schema, so that its issues are reported together with type
 * errors.
 */
function rule<T>(check: Rule<T>) {
  return (value: T, context: z.core.$RefinementCtx<T>): void => {
    for (const { path, message } of check(value))
      context.addIssue({ code: "custom", path: [...path], message });
  };
}

const dependency = strictObject({
  name: text.regex(names.CHART_NAME, names.CHART_NAME_RULE).describe("Name of the chart."),
  version: text.describe("Version or version range, as in Chart.yaml."),
  repository: text.describe("https://…, oci://… or file://FOLDER, relative to this file."),
  condition: text.optional().describe("Path of the value that enables the dependency, such as loki.enabled."),
  alias: text.optional().describe("Alias of the dependency in the parent chart."),
}).describe("A dependency to add to Chart.yaml before the chart is packaged.");

const chart = strictObject({
  chart: text.describe(
    "Name of a chart in `repository`, an oci:// reference, a .tgz file, or a folder (./NAME); paths are relative to this file.",
  ),
  repository: text.optional().describe("URL of the chart repository; only for a chart given by name."),
  version: text.optional().describe("Version of the chart; only for a chart from a repository or oci://."),
  dependencies: z
    .array(dependency)
    .superRefine(rule(dependenciesRule))
    .optional()
    .describe("Dependencies to add to the chart."),
  release: quoted.regex(names.RELEASE_NAME, names.RELEASE_NAME_RULE).describe("Name of the Helm release."),
  namespace: quoted.regex(names.NAMESPACE, names.NAMESPACE_RULE).describe("Namespace of the release."),
  valuesFiles: z
    .array(text)
    .optional()
    .describe("Values files, relative to this file; later files override earlier ones."),
  values: z.record(z.string(), z.unknown()).optional().describe("Values; they override the values files."),
})
  .superRefine(rule(chartRule))
  .describe("A chart and the release to install it as.");

const excludedImage = strictObject({
  image: text.describe("Reference of the image, in any spelling."),
  reason: text.describe("Why the image is excluded; the audit shows it."),
});

const includedImage = z.union(
  [
    text,
    strictObject({
      image: text.describe("Reference of the image."),
      rehearsed: text.describe("What required the image in a rehearsal; written by `rehearse --write`."),
    }),
  ],
  { error: "must be a reference, or a map with image and rehearsed" },
);

const silencedWarning = strictObject({
  code: text.describe("Code of the warning, such as unknown-operator."),
  subject: text
    .optional()
    .describe(
      "Object (such as Deployment NAME), chart (NAME-VERSION) or image of the warning; default: all warnings with the code.",
    ),
  reason: text.describe("Why the warning is settled; the audit shows it."),
});

const byteSize = text.superRefine(rule(byteSizeRule));

const suppression = strictObject({
  rule: text
    .superRefine(rule(auditRuleRule))
    .describe("Id of the rule of the audit, such as mutable-tag or warning:platform-absent."),
  subject: text
    .optional()
    .describe(
      "Subject of the finding as the audit prints it, or the repository of an image; default: all findings of the rule.",
    ),
  reason: text.describe("Why the finding is accepted; the audit shows it."),
  until: text
    .superRefine(rule(dateRule))
    .optional()
    .describe("The last day on which it is accepted, such as 2026-12-31; default: no end."),
});

const audit = strictObject({
  suppress: z
    .array(suppression)
    .nullish()
    .describe("Findings of the audit that are accepted. They stay in the report and no longer count."),
  maxSize: byteSize.optional().describe("Compressed size above which an image is a finding, such as 500MB."),
  maxLayerSize: byteSize
    .optional()
    .describe("Compressed size above which a layer is a finding, such as 1GB."),
  maxAgeDays: z.int().min(1).optional().describe("Age in days above which an image is a finding."),
  components: z
    .record(
      text,
      strictObject({
        name: text.optional().describe("Another name. Components of a release with the same name are one."),
        purpose: text.optional().describe("What it is for."),
      }),
    )
    .optional()
    .describe("Names and purposes of components, by the name that the audit shows without this entry."),
  images: z
    .record(
      text,
      strictObject({
        component: text.optional().describe("Name of the component that it belongs to."),
        purpose: text.optional().describe("What it is for."),
      }),
    )
    .superRefine(rule(auditImagesRule))
    .optional()
    .describe("Components and purposes of images, by repository or by reference."),
}).describe(
  "What the audit of the bundle accepts, its limits, and what it says about components. They are in the bundle, too.",
);

/** One schema for the parser and for editors. */
export const BUNDLE_SPEC_SCHEMA = strictObject({
  name: quoted.regex(names.BUNDLE_NAME, names.BUNDLE_NAME_RULE).describe("Name of the bundle."),
  version: quoted.regex(names.BUNDLE_NAME, names.BUNDLE_NAME_RULE).describe("Version of the bundle."),
  platforms: z
    .array(text.superRefine(rule(platformRule)))
    .optional()
    .describe("OS/ARCH[/VARIANT] of the nodes; default: the platform of the machine that builds the bundle."),
  kubernetes: strictObject({
    version: quoted
      .regex(names.KUBE_VERSION, names.KUBE_VERSION_RULE)
      .optional()
      .describe("Version of the cluster, such as v1.30.2."),
    apiVersions: z
      .array(text.regex(names.API_VERSION, names.API_VERSION_RULE))
      .optional()
      .describe("API versions of the cluster in addition to the built-in ones."),
  })
    .optional()
    .describe("The cluster that the charts are rendered for."),
  charts: z
    .array(chart)
    .superRefine(rule(releasesRule))
    .describe("The charts in installation order; may be empty when images are included."),
  images: strictObject({
    // A list whose entries are all commented out, as written by `init`, is null in YAML.
    include: z.array(includedImage).nullish().describe("Images to include in addition to those found."),
    exclude: z.array(excludedImage).nullish().describe("Images to exclude although they are found."),
    tests: z.boolean().optional().describe("Whether to include the images that only `helm test` starts."),
    referrers: z
      .boolean()
      .optional()
      .describe("Whether to include signatures, attestations and other artifacts of the images."),
  })
    .superRefine(rule(imagesRule))
    .optional(),
  warnings: strictObject({
    silence: z
      .array(silencedWarning)
      .nullish()
      .describe("Warnings about the list of images that are settled. They no longer count for --strict."),
  }).optional(),
  audit: audit.optional(),
}).describe("A viola-airgap bundle spec: Helm charts and additional images.");

/** The output type of `BUNDLE_SPEC_SCHEMA`. */
export type BundleSpecInput = z.infer<typeof BUNDLE_SPEC_SCHEMA>;

/**
 * The id of the editor schema. It is a URN so that editors do not fetch it; they read the installed
 * file.
 */
const EDITOR_SCHEMA_ID = "urn:viola-airgap:bundle-spec";

/** Returns the JSON schema for editors, which is stored in `manifests/bundle.schema.json`. */
export function editorSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(BUNDLE_SPEC_SCHEMA, { io: "input", target: "draft-7" });
  return { $schema, $id: EDITOR_SCHEMA_ID, ...schema };
}
