// `npm run build`: src becomes dist/main.js and dist/blob-worker.js with what they import inside, which halves the time that a command takes to
// start. Types are checked by `npm run check`.
import { rmSync } from "node:fs";
import { build } from "esbuild";

// dockerode asks for ssh2, native code, whatever the engine; engines at ssh:// are refused before (adapters/docker/endpoint.ts). Without it the
// program runs where no node_modules is: `build --with cli`.
const withoutSsh = {
  name: "without-ssh2",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ssh2$/ }, () => ({ path: "ssh2", namespace: "empty" }));
    onLoad({ filter: /./, namespace: "empty" }, () => ({ contents: "" }));
  },
};

rmSync("dist", { recursive: true, force: true });
await build({
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
  legalComments: "linked",
  plugins: [withoutSsh],
  // CommonJS packages inside ask for Node's own modules this way.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
