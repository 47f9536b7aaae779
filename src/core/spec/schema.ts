// The shape of `bundle.yaml`: what the parser checks and what the editor schema is generated from.
import { z } from "zod";
import { strictObject } from "../yaml-file.js";
import { chartRule, dependenciesRule, imagesRule, platformRule, releasesRule, type Rule } from "./rules.js";

// Helm allows 53 characters so that names made from a release still fit a label.
const RELEASE_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?$/;
const NAMESPACE_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const FILE_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** YAML reads `1.10` as a number and loses the zero. */
const quoted = z.string({
  error: ({ input }) => (typeof input === "number" ? "must be text: write it in quotes" : undefined),
});
const text = quoted.min(1, "must not be empty");

/** Turns a rule into a check of the schema, so that its complaints come together with those about shapes. */
function rule<T>(check: Rule<T>) {
  return (value: T, context: z.core.$RefinementCtx<T>): void => {
    for (const { path, message } of check(value))
      context.addIssue({ code: "custom", path: [...path], message });
  };
}

const dependency = strictObject({
  name: text.describe("Name of the chart."),
  version: text.describe("Version, or a range of versions as Chart.yaml writes it."),
  repository: text.describe("https://…, oci://… or file://FOLDER, relative to this file."),
  condition: text.optional().describe("Value that switches the dependency on or off, such as loki.enabled."),
  alias: text.optional().describe("Name under which the parent chart knows the dependency."),
}).describe("A dependency that is added to the chart's own Chart.yaml before it is packaged.");

const chart = strictObject({
  chart: text.describe(
    "Name of a chart in `repository`, an oci:// reference, a .tgz file, or a folder (./NAME), relative to this file.",
  ),
  repository: text.optional().describe("URL of the chart repository; only for a chart that is named."),
  version: text.optional().describe("Version of the chart; only for a repository and for oci://."),
  dependencies: z
    .array(dependency)
    .superRefine(rule(dependenciesRule))
    .optional()
    .describe("Dependencies to add to the chart."),
  release: quoted
    .regex(RELEASE_PATTERN, "must be at most 53 lower-case letters, digits and -")
    .describe("Name of the Helm release."),
  namespace: quoted
    .regex(NAMESPACE_PATTERN, "must be at most 63 lower-case letters, digits and -")
    .describe("Namespace of the release."),
  valuesFiles: z.array(text).optional().describe("Values files relative to this file; later ones win."),
  values: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Values written here; they win over the files."),
})
  .superRefine(rule(chartRule))
  .describe("One chart and the release that it becomes.");

const excludedImage = strictObject({
  image: text.describe("Reference of the image, in any spelling."),
  reason: text.describe("Why it may be left out; the audit shows it."),
});

const includedImage = z.union(
  [
    text,
    strictObject({
      image: text.describe("Reference of the image."),
      rehearsed: text.describe("What asked for it in a rehearsal, as `rehearse --write` notes it."),
    }),
  ],
  { error: "must be a reference, or a map of image and rehearsed" },
);

/** One schema for the parser and for editors. */
export const BUNDLE_SPEC_SCHEMA = strictObject({
  name: quoted
    .regex(FILE_NAME_PATTERN, "must be letters, digits and . _ + - only")
    .describe("Name of the bundle."),
  version: quoted
    .regex(FILE_NAME_PATTERN, "must be letters, digits and . _ + - only")
    .describe("Version of the bundle."),
  platforms: z
    .array(text.superRefine(rule(platformRule)))
    .optional()
    .describe("OS/ARCH[/VARIANT] of the nodes; without any, the platform of the building machine."),
  kubernetes: strictObject({
    version: quoted
      .regex(/^v?\d+\.\d+(?:\.\d+)?(?:[-+].*)?$/, "must be a version such as v1.30.2")
      .optional()
      .describe("Version of the cluster, such as v1.30.2."),
    apiVersions: z.array(text).optional().describe("API versions that the cluster has besides its own."),
  })
    .optional()
    .describe("The cluster that the charts are rendered for."),
  charts: z
    .array(chart)
    .superRefine(rule(releasesRule))
    .describe("The charts, in the order in which they are installed; may be empty when images are included."),
  images: strictObject({
    // A list whose entries are all commented out, as `init` writes it, is null to YAML.
    include: z.array(includedImage).nullish().describe("Images to carry along besides what is found."),
    exclude: z.array(excludedImage).nullish().describe("Images that are found but not wanted."),
    tests: z.boolean().optional().describe("True to bring the images that only `helm test` starts."),
  })
    .superRefine(rule(imagesRule))
    .optional(),
}).describe("A bundle of viola-airgap: Helm charts and every image that they can start.");

/** What `BUNDLE_SPEC_SCHEMA` lets through. */
export type BundleSpecInput = z.infer<typeof BUNDLE_SPEC_SCHEMA>;

/** Identifies the editor schema. A URN, because editors must not try to fetch it: they read the installed file. */
const EDITOR_SCHEMA_ID = "urn:viola-airgap:bundle-spec";

/** Returns the JSON schema that `manifests/bundle.schema.json` holds for editors. */
export function editorSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(BUNDLE_SPEC_SCHEMA, { io: "input", target: "draft-7" });
  return { $schema, $id: EDITOR_SCHEMA_ID, ...schema };
}
