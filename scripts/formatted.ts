// Formats generated files like all others, so that `npm run check` accepts them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format, type FormatConfig } from "oxfmt";

/** Returns the text as oxfmt writes it. The name of the file decides the language. */
export async function formatted(file: string, text: string): Promise<string> {
  const config = readFileSync(join(import.meta.dirname, "../.oxfmtrc.json"), "utf8");
  const { printWidth } = JSON.parse(config) as Required<Pick<FormatConfig, "printWidth">>;
  const { code, errors } = await format(file, text, { printWidth });
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join("; ")}`);
  return code;
}
