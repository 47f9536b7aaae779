// What is known of operators that start images which no chart names: the shape of `manifests/operators/*.yaml`.
import { validRange } from "semver";
import { z } from "zod";
import { ViolaError } from "../../errors.js";
import { parseYamlFile, strictObject } from "../yaml-file.js";

const text = z.string({
  error: ({ input }) => (typeof input === "number" ? "must be text: write it in quotes" : undefined),
});

const versions = text.refine((range) => validRange(range) !== null, "is not a range of versions");

const condition = strictObject({
  group: text.describe("API group of the custom resource."),
  kind: text.describe("Kind of the custom resource."),
  has: text.optional().describe("Dotted path of a field that must be set, such as spec.thanos."),
  in: versions.optional().describe("Range of versions that the value of the field must be in."),
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
      "Custom resources of which one must be there; without it, the operator alone starts the image.",
    ),
  with: z
    .array(condition)
    .min(1)
    .optional()
    .describe("Custom resources of which one must be there besides the one that `when` asks for."),
  otherwise: z
    .enum(["optional", "required"])
    .optional()
    .describe(
      "What the image is where no such custom resource is rendered; left out unless given. `required` is for images that the " +
        "operator's project itself lists for every installation.",
    ),
  unless: z
    .array(text)
    .optional()
    .describe(
      "Fields of the custom resource (spec.…), flag.NAME, env.NAME or config.NAME that name another image instead.",
    ),
});

const flag = strictObject({
  flag: text.describe("Name of the flag, without dashes."),
  usedWhen: z
    .array(condition)
    .min(1)
    .describe("Custom resources of which one must be there for the image to be started."),
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
});

const OPERATOR_SCHEMA = strictObject({
  id: text.regex(/^[a-z0-9-]+$/).describe("Evidence says operator:ID."),
  name: text.describe("What people call it."),
  sources: z.array(text).min(1).describe("Where the facts were read: repository, version, file and lines."),
  repository: text.describe(
    "Repository of the operator's image, without registry; mirrors below a prefix match too.",
  ),
  copies: z
    .array(text)
    .default([])
    .describe("Repositories, without registry, that hold the same program under another name."),
  companions: z
    .array(text)
    .default([])
    .describe(
      "Repositories, without registry, of other containers in its Pods that start nothing: any other is one that nobody knows.",
    ),
  releases: z
    .array(
      strictObject({
        tags: versions.describe("Range of versions of the operator's tag."),
        values: z
          .record(z.string(), text.nullable())
          .optional()
          .describe(
            "What {release.NAME} stands for in this range; null where that was not read: an image that needs it is a warning.",
          ),
      }),
    )
    .min(1)
    .describe(
      "Versions that the facts were checked for, newest first; others use the first, with a warning.",
    ),
  images: z.array(image).default([]),
  flags: z.array(flag).default([]).describe("Image-carrying flags whose image is not always used."),
  unknown: z.array(unknown).default([]).describe("Images that no rule can name."),
  harmless: z
    .record(z.string(), z.array(text).min(1))
    .default({})
    .describe(
      "Kinds of custom resources, by API group, for which it starts nothing but what they name and what `images` lists for other kinds. " +
        "A kind of a group named here or in a condition that the file says nothing of is a warning.",
    ),
});

/** One operator of the knowledge base. */
export type OperatorRule = z.infer<typeof OPERATOR_SCHEMA>;
export type OperatorImage = OperatorRule["images"][number];
export type ResourceCondition = z.infer<typeof condition>;

/** Reads one file of the knowledge base. Throws `SETTINGS_INVALID` with line and column for each thing that is wrong. */
export function parseOperatorRule(content: string, file: string): OperatorRule {
  const rule = parseYamlFile(content, file, OPERATOR_SCHEMA, "SETTINGS_INVALID");
  for (const { reference } of rule.images) {
    if (/[{}]/.test(reference.replaceAll(/\{[^{}]+\}/g, ""))) {
      throw new ViolaError("SETTINGS_INVALID", `${file}: "${reference}" has a brace without its partner`, {
        subject: file,
      });
    }
    for (const [, name = ""] of reference.matchAll(/\{release\.(\w+)\}/g)) {
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
