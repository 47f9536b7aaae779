// `npm run build`: bundles src and everything it imports into dist/. The installed program needs no
// dependency, and a command starts in half the time. Types are checked by `npm run check`.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";
import { parse } from "yaml";
import { pageText } from "./page-text.js";
import { formatNotices } from "./third-party-notices.js";

const OPERATORS = "manifests/operators";

// Packages that are imported and never used are replaced by empty modules, so that dist/ needs no
// node_modules and stays small. dockerode always imports ssh2, which has native code, and engines at
// ssh:// are refused earlier (adapters/docker/endpoint.ts). It also imports gRPC for building images.
// The CycloneDX library uses xmlbuilder2 to write XML.
const UNUSED = /^(?:ssh2|@grpc\/grpc-js|@grpc\/proto-loader|xmlbuilder2)$/;
const unusedPackages = {
  name: "unused-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: "empty" }));
    onLoad({ filter: /./, namespace: "empty" }, () => ({ contents: "" }));
  },
};

// main.js loads program.js, which is not bundled into it.
const compiledProgram = {
  name: "compiled-program",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/cli\/program\.js$/ }, () => ({ path: resolve("src/compiled-program.ts") }));
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
  entryPoints: ["src/main.ts", "src/cli/program.ts", "src/adapters/blobs/blob-worker.ts"],
  entryNames: "[name]",
  outdir: folder,
  bundle: true,
  // V8's compiled code can be stored for scripts, and not for ECMAScript modules.
  format: "cjs",
  supported: { "dynamic-import": false },
  define: { "import.meta.dirname": "__dirname", "import.meta.url": "__url" },
  platform: "node",
  target: "node20.18",
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "external",
  metafile: true,
  plugins: [unusedPackages, pageText, compiledProgram],
  banner: { js: 'const __url = require("node:url").pathToFileURL(__filename).href;' },
  logLevel: "warning",
});

// Parsing the files of the knowledge base takes longer than most commands, so they are stored parsed.
const operators = readdirSync(OPERATORS).filter((name) => name.endsWith(".yaml"));
const rules = operators.sort().map((name) => parse(readFileSync(`${OPERATORS}/${name}`, "utf8")));
writeFileSync(`${folder}/operators.json`, JSON.stringify(rules));

// The package.json of this repository says that its files are ECMAScript modules.
writeFileSync(`${folder}/package.json`, '{ "type": "commonjs" }\n');

execFileSync(process.execPath, ["scripts/compile.js", folder], { stdio: "inherit" });

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
