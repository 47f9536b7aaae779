// Imports that end in `?text` are texts: a stylesheet, or a script for a browser with everything that
// it imports. The build and the tests use the same function.
import { resolve, dirname } from "node:path";
import { build } from "esbuild";

const SUFFIX = /\?text$/;

/** Returns the minified text of a stylesheet or script. */
export async function readPageText(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: "iife",
    platform: "browser",
    target: ["chrome111", "firefox115", "safari16.4"],
    minify: true,
    // Other characters are escaped, so that the text is the same in every encoding.
    charset: "ascii",
    legalComments: "none",
    write: false,
    logLevel: "warning",
  });
  return outputFiles[0].text.trim();
}

/** For esbuild. */
export const pageText = {
  name: "page-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: SUFFIX }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace(SUFFIX, "")),
      namespace: "page-text",
    }));
    onLoad({ filter: /./, namespace: "page-text" }, async ({ path }) => ({
      contents: await readPageText(path),
      loader: "text",
    }));
  },
};

/** Vite would process a module whose name ends like a stylesheet. */
const MODULE = ".text.js";

/** For Vite, which runs the tests. */
export const pageTextOfTests = {
  name: "page-text",
  enforce: "pre",
  resolveId: (source, importer) =>
    SUFFIX.test(source) && importer !== undefined
      ? `\0${resolve(dirname(importer), source.replace(SUFFIX, MODULE))}`
      : undefined,
  load: async (id) =>
    id.startsWith("\0") && id.endsWith(MODULE)
      ? `export default ${JSON.stringify(await readPageText(id.slice(1, -MODULE.length)))};`
      : undefined,
};
