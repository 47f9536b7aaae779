// `npm run build`: bundles src and everything it imports into dist/. The installed program needs no dependency, and a
// command starts in half the time. Types are checked by `npm run check`.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { formatNotices } from "./third-party-notices.js";

// dockerode imports ssh2, which has native code, whatever the engine. Engines at ssh:// are refused earlier
// (adapters/docker/endpoint.ts), so an empty module takes its place and dist/ needs no node_modules.
const withoutSsh = {
  name: "without-ssh2",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ssh2$/ }, () => ({ path: "ssh2", namespace: "empty" }));
    onLoad({ filter: /./, namespace: "empty" }, () => ({ contents: "" }));
  },
};

rmSync("dist", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ["src/main.ts", "src/adapters/blobs/blob-worker.ts"],
  entryNames: "[name]",
  outdir: "dist",
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
  plugins: [withoutSsh],
  // Bundled CommonJS packages call `require` for the modules of Node.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});

// The legal comments go into the notices too, so that one file holds every licence.
const legalFiles = Object.keys(metafile.outputs).filter((file) => file.endsWith(".LEGAL.txt"));
const legalComments = legalFiles.map((file) => readFileSync(file, "utf8").trim() + "\n");
writeFileSync("dist/THIRD-PARTY-NOTICES.txt", formatNotices(metafile, legalComments.sort()));
for (const file of legalFiles) rmSync(file);
