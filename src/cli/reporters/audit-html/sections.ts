// The sections of the page: totals, sizes, tables and findings. They are readable without the script.
import { groupBy } from "../../../core/group-by.js";
import type {
  AuditComponent,
  AuditFinding,
  AuditImage,
  AuditReport,
  Severity,
} from "../../../core/audit/report.js";
import { formatBytes } from "../../units.js";
import { drawTreemap, type PageWords } from "./shared/draw-treemap.js";
import { element, type Attributes, type Markup, type MarkupElement } from "./shared/markup.js";
import { workloadName, workloadsOf, type PageData } from "./shared/page-data.js";
import { sizeTree } from "./shared/size-tree.js";

/** What a section is made from. */
export interface SectionInput {
  readonly report: AuditReport;
  readonly data: PageData;
  readonly words: PageWords;
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];
/** The size of the treemap without the script, which draws it again for the width of the window. */
const TREEMAP = { width: 1200, height: 480 };
/** More objects are counted, so that one row does not fill the page. All are in the details. */
const SHOWN_OBJECTS = 3;

/** A section of the page with the id that the list of sections links to. */
export interface Section {
  readonly id: string;
  readonly heading: string;
  readonly content: readonly Markup[];
}

/** Returns the sections in their order. Those without content are left out. */
export function pageSections(input: SectionInput): readonly Section[] {
  const { report, words } = input;
  return [
    { id: "sizes", heading: words("sizes"), content: sizes(input) },
    { id: "findings", heading: words("findings"), content: findings(input) },
    { id: "components", heading: words("components"), content: components(input) },
    { id: "images", heading: words("images"), content: images(input) },
    { id: "releases", heading: words("releases"), content: releases(input) },
    { id: "warnings", heading: words("listWarnings"), content: warnings(report) },
  ].filter(({ content }) => content.length > 0);
}

/** Returns the figures at the top of the page. */
export function totals({ report, words }: SectionInput): MarkupElement {
  const { uniqueBytes, uncompressedBytes, sharedBytes, images, layers } = report.totals;
  const tile = (label: string, value: string, note = ""): MarkupElement =>
    element(
      "div",
      {},
      element("dt", {}, label),
      element("dd", {}, value, ...(note === "" ? [] : [" ", element("small", {}, note)])),
    );
  return element(
    "dl",
    { class: "totals" },
    tile(words("bundleSize"), formatBytes(uniqueBytes)),
    tile(words("unpacked"), sizeText(uncompressedBytes, words)),
    tile(words("savedBySharing"), formatBytes(sharedBytes)),
    tile(words("images"), String(images)),
    tile(words("layers"), String(layers)),
    tile(words("findings"), String(report.findings.filter(isOpen).length), severityCounts(report, words)),
  );
}

function severityCounts({ findings }: AuditReport, words: PageWords): string {
  const count = (severity: Severity): number =>
    findings.filter((finding) => isOpen(finding) && finding.severity === severity).length;
  const texts = [
    { count: count("error"), word: "errors" as const },
    { count: count("warning"), word: "warnings" as const },
    { count: count("note"), word: "notes" as const },
  ];
  return texts.flatMap((one) => (one.count === 0 ? [] : [words(one.word, { count: one.count })])).join(", ");
}

function sizes({ report, data, words }: SectionInput): readonly Markup[] {
  const { uniqueBytes } = report.totals;
  if (uniqueBytes === 0) return [element("p", {}, words("noSizes"))];
  const { svg } = drawTreemap(sizeTree(data), {
    ...TREEMAP,
    words,
    totalBytes: uniqueBytes,
    smallestLayer: 10,
    isInteractive: false,
  });
  return [
    element("p", { class: "lead" }, words("sizesNote", { size: formatBytes(uniqueBytes) })),
    element("div", { id: "treemap" }, svg),
  ];
}

function components({ report, words }: SectionInput): readonly Markup[] {
  if (report.components.length === 0) return [];
  const columns: readonly Column<AuditComponent>[] = [
    {
      heading: words("component"),
      cell: ({ name }) => [element("strong", {}, name)],
      isHeading: true,
    },
    { heading: words("purpose"), cell: ({ purpose }) => [purpose ?? ""], className: "purpose wide" },
    { heading: words("chart"), cell: (component) => chartCell(component, words), className: "wide" },
    { heading: words("release"), cell: releaseCell, className: "wide" },
    {
      heading: words("object"),
      cell: ({ workloads }) => shortList(workloads.map(workloadName), words),
      className: "objects wide",
    },
    {
      heading: words("images"),
      cell: ({ images }) => [String(images.length)],
      value: ({ images }) => images.length,
      className: "number",
    },
    sizeColumn(words("size"), words, ({ compressedBytes }) => compressedBytes),
    sizeColumn(words("unpacked"), words, ({ uncompressedBytes }) => uncompressedBytes, "number wide"),
  ];
  return [table(report.components, { id: "component-table", caption: words("components"), columns })];
}

function chartCell({ chart }: AuditComponent, words: PageWords): readonly Markup[] {
  if (chart === null) return [];
  const app = chart.appVersion === null ? [] : [sub(words("appVersion", { version: chart.appVersion }))];
  return [`${chart.name} ${chart.version}`, ...app];
}

function releaseCell({ release, namespace }: AuditComponent): readonly Markup[] {
  if (release === null) return [];
  return [release, ...(namespace === null ? [] : [sub(namespace)])];
}

function images({ report, data, words }: SectionInput): readonly Markup[] {
  const findingsOf = new Map(
    data.images.map(({ name, findings: all }) => [
      name,
      all.filter(([, , , isSuppressed]) => !isSuppressed).length,
    ]),
  );
  const columns: readonly Column<AuditImage>[] = [
    {
      heading: words("image"),
      cell: (image) => imageCell(image, findingsOf.get(image.normalized) ?? 0, words),
      value: ({ repository }) => repository,
      className: "image",
      isHeading: true,
    },
    { heading: words("version"), cell: ({ version }) => [shortDigest(version)], className: "version" },
    { heading: words("component"), cell: ({ components: names }) => [names.join(", ")], className: "wide" },
    {
      heading: words("object"),
      cell: (image) => shortList(workloadsOf(image, report), words),
      className: "objects wide",
    },
    { heading: words("purpose"), cell: ({ purpose }) => [purpose ?? ""], className: "purpose wide" },
    {
      heading: words("created"),
      cell: ({ created }) => [created?.slice(0, 10) ?? ""],
      className: "date wide",
    },
    sizeColumn(words("size"), words, (image) => knownSize(image, image.compressedBytes)),
    sizeColumn(words("unpacked"), words, ({ uncompressedBytes }) => uncompressedBytes, "number wide"),
    sizeColumn(words("ownSize"), words, (image) => knownSize(image, image.uniqueBytes), "number wide"),
  ];
  return [
    element("div", { id: "image-tools", class: "tools" }),
    table(report.images, {
      ...{ id: "image-table", caption: words("images"), columns },
      rowAttributes: (image, index) => ({
        "data-image": index,
        "data-findings": findingsOf.get(image.normalized),
      }),
    }),
  ];
}

/** Sizes of an image that could not be resolved are not known. */
function knownSize({ platforms }: AuditImage, bytes: number): number | null {
  return platforms.length === 0 ? null : bytes;
}

function imageCell(image: AuditImage, findingCount: number, words: PageWords): readonly Markup[] {
  const path = image.repository.slice(image.registry.length + 1);
  const marks = [
    ...(image.required ? [] : [element("span", { class: "badge" }, words("optional"))]),
    ...(findingCount === 0
      ? []
      : [element("span", { class: "badge attention" }, words("findingCount", { count: findingCount }))]),
  ].flatMap((mark) => [" ", mark]);
  return [element("span", { class: "image-name" }, ...breakable(path)), ...marks, sub(image.registry)];
}

function findings({ report, words }: SectionInput): readonly Markup[] {
  const open = report.findings.filter(isOpen);
  const suppressed = report.findings.filter((finding) => !isOpen(finding));
  return [
    ...(open.length === 0 ? [element("p", {}, words("noFindings"))] : findingGroups(open, words)),
    ...(suppressed.length === 0
      ? []
      : [
          element(
            "details",
            { class: "suppressed" },
            element("summary", {}, `${words("suppressed")} (${suppressed.length})`),
            ...findingGroups(suppressed, words),
          ),
        ]),
  ];
}

/** The most severe first. */
function findingGroups(all: readonly AuditFinding[], words: PageWords): readonly MarkupElement[] {
  const groups = [...groupBy(all, ({ rule, severity }) => `${severity} ${rule}`).values()];
  return SEVERITIES.flatMap((severity) =>
    groups.flatMap((group) =>
      group[0]?.severity === severity ? [findingGroup(group[0], group, words)] : [],
    ),
  );
}

/** The reason and the advice are written once if all findings of the rule share them. */
function findingGroup(first: AuditFinding, group: readonly AuditFinding[], words: PageWords): MarkupElement {
  const { rule, severity, why, action } = first;
  const hasOneReason = group.every((finding) => finding.why === why);
  const hasOneAction = group.every((finding) => finding.action === action);
  const shared = [
    ...(hasOneReason ? [fact(words("why"), why)] : []),
    ...(hasOneAction ? [fact(words("action"), action)] : []),
  ];
  const brief = group.length === 1 ? first.subject : hasOneReason ? why : "";
  return element(
    "details",
    { class: `finding ${severity}` },
    element(
      "summary",
      {},
      element("span", { class: `badge ${severity}` }, words(severity)),
      " ",
      element("code", {}, rule),
      " ",
      element("span", { class: "count" }, String(group.length)),
      element("span", { class: "brief" }, brief),
    ),
    ...(shared.length === 0 ? [] : [element("dl", { class: "advice" }, ...shared)]),
    element(
      "ul",
      { class: "subjects" },
      ...group.map((finding) =>
        element(
          "li",
          {},
          element("strong", {}, finding.subject),
          " ",
          element("span", {}, finding.message),
          ...(hasOneReason ? [] : [sub(finding.why)]),
          ...(hasOneAction ? [] : [sub(finding.action)]),
          ...(finding.suppressed === undefined ? [] : [sub(suppressionText(finding.suppressed, words))]),
        ),
      ),
    ),
  );
}

function fact(name: string, value: string): MarkupElement {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function suppressionText(
  { reason, until }: NonNullable<AuditFinding["suppressed"]>,
  words: PageWords,
): string {
  return until === undefined
    ? words("suppressedBecause", { reason })
    : words("suppressedUntil", { date: until, reason });
}

function releases({ report, words }: SectionInput): readonly Markup[] {
  if (report.releases.length === 0) return [];
  const columns: readonly Column<AuditReport["releases"][number]>[] = [
    { heading: words("release"), cell: ({ name }) => [name], isHeading: true },
    { heading: words("namespace"), cell: ({ namespace }) => [namespace] },
    {
      heading: words("chart"),
      cell: ({ chart }) => [
        `${chart.name} ${chart.version}`,
        ...(chart.appVersion === undefined ? [] : [sub(words("appVersion", { version: chart.appVersion }))]),
      ],
    },
  ];
  return [table(report.releases, { id: "release-table", caption: words("releases"), columns })];
}

function warnings({ warnings: all }: AuditReport): readonly Markup[] {
  if (all.length === 0) return [];
  return [
    element(
      "ul",
      { class: "subjects" },
      ...all.map(({ code, message, hint, object, template, chart }) =>
        element(
          "li",
          {},
          element("code", {}, code),
          " ",
          element("strong", {}, object ?? template ?? chart ?? ""),
          " ",
          element("span", {}, message),
          ...(hint === undefined ? [] : [sub(hint)]),
        ),
      ),
    ),
  ];
}

interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => readonly Markup[];
  /** The value to sort by, if it is not the text of the cell. */
  readonly value?: (row: Row) => string | number;
  /** `wide` columns are left out on narrow screens, where the details have their content. */
  readonly className?: string;
  /** True for the column that names the row. */
  readonly isHeading?: boolean;
}

interface TableOptions<Row> {
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rowAttributes?: (row: Row, index: number) => Attributes;
}

function table<Row>(
  rows: readonly Row[],
  { id, caption, columns, rowAttributes = () => ({}) }: TableOptions<Row>,
): MarkupElement {
  const headings = columns.map(({ heading, className }) =>
    element("th", { scope: "col", class: className }, heading),
  );
  const body = rows.map((row, index) =>
    element(
      "tr",
      rowAttributes(row, index),
      ...columns.map(({ cell, value, className, isHeading = false }) =>
        element(
          isHeading ? "th" : "td",
          { ...(isHeading && { scope: "row" }), class: className, "data-value": value?.(row) },
          ...cell(row),
        ),
      ),
    ),
  );
  return element(
    "div",
    { class: "table" },
    element(
      "table",
      { id },
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...headings)),
      element("tbody", {}, ...body),
    ),
  );
}

function sizeColumn<Row>(
  heading: string,
  words: PageWords,
  bytesOf: (row: Row) => number | null,
  className = "number",
): Column<Row> {
  return {
    heading,
    cell: (row) => [sizeText(bytesOf(row), words)],
    value: (row) => bytesOf(row) ?? -1,
    className,
  };
}

function shortList(texts: readonly string[], words: PageWords): readonly Markup[] {
  const shown = texts.slice(0, SHOWN_OBJECTS).map((text) => element("div", {}, text));
  const more = texts.length - SHOWN_OBJECTS;
  return more > 0 ? [...shown, sub(words("andMore", { count: more }))] : shown;
}

/** A path with places for line breaks after its slashes. */
function breakable(path: string): readonly Markup[] {
  const [first = "", ...more] = path.split(/(?<=\/)/);
  return [first, ...more.flatMap((part) => [element("wbr"), part])];
}

function sub(text: string): MarkupElement {
  return element("div", { class: "sub" }, text);
}

function sizeText(bytes: number | null, words: PageWords): string {
  return bytes === null ? words("unknown") : formatBytes(bytes);
}

function shortDigest(version: string): string {
  return version.startsWith("sha256:") ? `${version.slice(0, 19)}…` : version;
}

function isOpen({ suppressed }: AuditFinding): boolean {
  return suppressed === undefined;
}
