// `npm run build`: bundles src and everything it imports into dist/. The installed program needs no
// dependency, and a command starts in half the time. Types are checked by `npm run check`.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { parse } from "yaml";
import { pageText } from "./page-text.js";
import { formatNotices } from "./third-party-notices.js";

const OPERATORS = "manifests/operators";

// Packages that are imported and never used are replaced by empty modules, so that dist/ needs no
// node_modules. dockerode always imports ssh2, which has native code, and engines at ssh:// are refused
// earlier (adapters/docker/endpoint.ts). The CycloneDX library uses xmlbuilder2 to write XML.
const unusedPackages = {
  name: "unused-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:ssh2|xmlbuilder2)$/ }, ({ path }) => ({ path, namespace: "empty" }));
    onLoad({ filter: /./, namespace: "empty" }, () => ({ contents: "" }));
  },
};

// The build goes to a new folder that replaces dist/ when it is complete. A killed build keeps the
// old dist/, and a command that runs at the same time always finds one.
const LEFTOVER_MS = 10 * 60_000;
for (const name of readdirSync(".").filter((name) => name.startsWith("dist."))) {
  if (Date.now() - statSync(name).mtimeMs > LEFTOVER_MS) rmSync(name, { recursive: true, force: true });
}
const folder = `dist.${process.pid}`;
const { metafile } = await build({
  entryPoints: ["src/main.ts", "src/adapters/blobs/blob-worker.ts"],
  entryNames: "[name]",
  outdir: folder,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.18",
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "external",
  metafile: true,
  plugins: [unusedPackages, pageText],
  // Bundled CommonJS packages call `require` for the modules of Node.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});

// Parsing the files of the knowledge base takes longer than most commands, so they are stored parsed.
const operators = readdirSync(OPERATORS).filter((name) => name.endsWith(".yaml"));
const rules = operators.sort().map((name) => parse(readFileSync(`${OPERATORS}/${name}`, "utf8")));
writeFileSync(`${folder}/operators.json`, JSON.stringify(rules));

// The notices include the legal comments, so that one file contains all licences.
const legalFiles = Object.keys(metafile.outputs).filter((file) => file.endsWith(".LEGAL.txt"));
const legalComments = legalFiles.map((file) => readFileSync(file, "utf8").trim() + "\n");
writeFileSync(`${folder}/THIRD-PARTY-NOTICES.txt`, formatNotices(metafile, legalComments.sort()));
for (const file of legalFiles) rmSync(file);

// A folder cannot be renamed to an existing one, so the old dist/ is moved away first.
const old = `${folder}.old`;
if (existsSync("dist")) renameSync("dist", old);
renameSync(folder, "dist");
rmSync(old, { recursive: true, force: true });
