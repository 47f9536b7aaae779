// Schema of `manifests/operators/*.yaml`: operators that start images which no chart contains.
import { validRange } from "semver";
import * as z from "zod";
import { ViolaError } from "../../errors.js";
import { parseYamlFile, strictObject } from "../yaml-file.js";

const text = z.string({
  error: ({ input }) => (typeof input === "number" ? "must be text: write it in quotes" : undefined),
});

const versions = text.refine((range) => validRange(range) !== null, "is not a range of versions");

const onlyTags = versions
  .optional()
  .describe("Range of versions of the operator's tag that this applies to; default: all.");

const condition = strictObject({
  group: text.describe("API group of the custom resource."),
  kind: text.describe("Kind of the custom resource."),
  has: text.optional().describe("Dotted path of a field that must be set, such as spec.thanos."),
  in: versions.optional().describe("Range of versions that the value of the field must be in."),
  is: text.optional().describe("Value that the field must have; upper and lower case are the same."),
});

const image = strictObject({
  reference: text.describe(
    'The reference. {a|b|"literal"} is the first of: operator.tag, operator.version (the tag without v), operator.registry, ' +
      "operator.repository, operator.prefix (the repository without its last part), operator.image, release.NAME, flag.NAME, " +
      "env.NAME, config.NAME (key or dotted path in a ConfigMap of the release, YAML inside included), or a dotted path in the " +
      "custom resource (spec.…).",
  ),
  when: z
    .array(condition)
    .min(1)
    .optional()
    .describe(
      "Custom resources, one of which must exist. Without this field, the operator alone starts the image.",
    ),
  with: z
    .array(condition)
    .min(1)
    .optional()
    .describe("Custom resources, one of which must exist in addition to that of `when`."),
  otherwise: z
    .enum(["optional", "required"])
    .optional()
    .describe(
      "Status of the image if no such custom resource is rendered. By default, it is omitted. `required` is for images that " +
        "the project of the operator lists for every installation.",
    ),
  without: z
    .array(condition)
    .min(1)
    .optional()
    .describe("Custom resources, one of which makes the operator use another image."),
  optional: z
    .boolean()
    .optional()
    .describe("True if the operator starts it only with settings that the custom resource does not show."),
  unless: z
    .array(text)
    .optional()
    .describe(
      "Fields of the custom resource (spec.…), flag.NAME, env.NAME or config.NAME that specify another image instead. " +
        "The value false counts as not set.",
    ),
  given: z
    .array(text)
    .optional()
    .describe("Settings of the same form, one of which must be there for the image to be started."),
  tags: onlyTags,
});

const flag = strictObject({
  flag: text.describe("Name of the flag, without dashes."),
  usedWhen: z
    .array(condition)
    .min(1)
    .describe("Custom resources of which one must be there for the image to be started."),
  tags: onlyTags,
});

const workload = strictObject({
  group: text.describe("API group of the custom resource."),
  kind: text.describe("Kind of the custom resource."),
  runs: text.describe("Kind of the object that the operator creates for it, such as StatefulSet."),
  component: text.optional().describe("Name of the program that it runs, such as prometheus."),
  flags: z
    .array(text)
    .default([])
    .describe("Flags of the operator, without dashes, with images that these Pods run."),
  has: text.optional().describe("Dotted path of a field that the resource must have, such as spec.logs."),
});

const unknown = strictObject({
  what: text.describe("What cannot be known from charts, and what to do about it: the text of a warning."),
  when: z
    .array(condition)
    .min(1)
    .optional()
    .describe("Custom resources of which one must be there for the warning to be given."),
  given: z
    .array(text)
    .optional()
    .describe(
      "Settings (flag.NAME, env.NAME, config.NAME, spec.…) of which one must be there for the warning.",
    ),
  unless: z.array(text).optional().describe("Settings of which one settles it."),
  tags: onlyTags,
});

const unused = strictObject({
  group: text.optional().describe("API group of the custom resource with the fields."),
  kind: text.optional().describe("Kind of the custom resource with the fields."),
  config: text
    .optional()
    .describe(
      "Instead of a custom resource: key of a ConfigMap or Secret of the release that holds YAML or JSON.",
    ),
  fields: z
    .array(text)
    .min(1)
    .describe("Dotted paths whose images, also those below, the operator does not start."),
  unless: z
    .array(text)
    .default([])
    .describe(
      "Dotted paths in the same resource or text; the images are started if one is set and not false.",
    ),
  tagged: z.boolean().optional().describe("True if images with a digest are started all the same."),
  why: text.describe("Why they are not started: a clause, shown with the image."),
  tags: onlyTags,
});

const release = strictObject({
  tags: versions.describe("Range of versions of the operator's tag."),
  prefix: text
    .default("")
    .describe("What stands before the version in these tags, such as edge- in edge-25.1.1."),
  builds: z
    .array(text)
    .optional()
    .describe("Tags without a version that name builds of these releases, such as v1-5170a36."),
  values: z
    .record(z.string(), text.nullable())
    .optional()
    .describe(
      "Values of {release.NAME} in this range. null means unknown: an image that needs it causes a warning.",
    ),
});

const pattern = text.refine(isPattern, "is not a regular expression");

const place = strictObject({
  file: text.describe("Path of the file in the repository."),
  match: pattern.describe("Regular expression; the first group is the value."),
  suffix: text.optional().describe("What the source code appends to the value."),
  last: z.boolean().optional().describe("True to take the last match in the file. The default is the first."),
});

const table = strictObject({
  repository: text.describe("URL of the git repository with the source code of the operator."),
  gitTags: pattern
    .default("^(v?\\d+\\.\\d+.*)$")
    .describe("Regular expression for the tags of the repository; the first group is the tag of the image."),
  imageTag: place
    .optional()
    .describe("Where the tag of the image is read if the tag of the repository is that of a chart."),
  builds: place
    .optional()
    .describe(
      "Where the source code has the tag of an image that is built from it, if that tag has no version.",
    ),
  versions: versions.describe("Range of versions to read."),
  values: z
    .record(z.string(), z.array(place).min(1))
    .default({})
    .describe(
      "Where each value of `releases` is read. The first place whose file has a match counts. Without a match the value is unknown.",
    ),
  holds: z
    .array(z.array(place).min(1))
    .default([])
    .describe("Matches that show that the facts apply to a tag; one place of each entry must match."),
});

/** The schema of one file. */
export const OPERATOR_SCHEMA = strictObject({
  id: text.regex(/^[a-z0-9-]+$/).describe("Evidence says operator:ID."),
  name: text.describe("What people call it."),
  sources: z.array(text).min(1).describe("Where the facts were read: repository, version, file and lines."),
  repository: text.describe(
    "Repository of the operator's image, without registry; mirrors below a prefix match too.",
  ),
  copies: z
    .array(text)
    .default([])
    .describe(
      "Repositories that contain the same program under another name: without registry, unless only the registry tells whose it is.",
    ),
  companions: z
    .array(text)
    .default([])
    .describe(
      "Repositories, without registry, of other containers in its Pods that start no images. Containers of other repositories are unknown.",
    ),
  releases: z
    .array(release)
    .describe(
      "Versions that the facts were verified for. With other versions, images whose version depends on the operator's are named " +
        "without a version, with a warning.",
    ),
  table: table
    .optional()
    .describe(
      "Where `releases` is read from; `scripts/operator-table.ts` writes it for all tags of the repository.",
    ),
  images: z.array(image).default([]),
  flags: z.array(flag).default([]).describe("Flags with an image that is not always used."),
  unused: z
    .array(unused)
    .default([])
    .describe("Fields with images that the operator does not start, for example because of another field."),
  workloads: z
    .array(workload)
    .default([])
    .describe("What it creates for custom resources. The audit names it instead of the resource."),
  unknown: z.array(unknown).default([]).describe("Images that no rule can determine."),
  harmless: z
    .record(z.string(), z.array(text).min(1))
    .default({})
    .describe(
      "Kinds of custom resources, by API group, for which it starts only images that they contain or that `images` lists for other kinds. " +
        "Other kinds of the groups here and in conditions cause a warning if the file does not contain them.",
    ),
});

/** One operator of the knowledge base. */
export type OperatorRule = z.infer<typeof OPERATOR_SCHEMA>;
export type OperatorTable = NonNullable<OperatorRule["table"]>;
export type OperatorImage = OperatorRule["images"][number];
export type UnusedFields = OperatorRule["unused"][number];
export type WorkloadRule = z.infer<typeof workload>;
export type ResourceCondition = z.infer<typeof condition>;

/**
 * Parses one file of the knowledge base. Throws `SETTINGS_INVALID` with line and column of each
 * error.
 */
export function parseOperatorRule(content: string, file: string): OperatorRule {
  const rule = parseYamlFile(content, file, OPERATOR_SCHEMA, "SETTINGS_INVALID");
  for (const { reference } of rule.images) {
    if (/[{}]/.test(reference.replaceAll(/\{[^{}]+\}/g, ""))) {
      throw new ViolaError("SETTINGS_INVALID", `${file}: "${reference}" has an unmatched brace`, {
        subject: file,
      });
    }
    for (const [, name = ""] of reference.matchAll(/[{|]release\.(\w+)/g)) {
      // The script that writes the table adds the value to all releases.
      if (rule.table?.values[name] !== undefined) continue;
      const missing = rule.releases.find(({ values }) => values?.[name] === undefined);
      if (missing === undefined) continue;
      throw new ViolaError(
        "SETTINGS_INVALID",
        `${file}: releases: "${missing.tags}" has no value "${name}"`,
        {
          subject: file,
        },
      );
    }
  }
  return rule;
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}
