// Configures a command as the post-renderer of Helm: by flags for Helm 3, as a plugin for Helm 4.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The flags and environment variables that make `helm upgrade` use a post-renderer. */
export interface PostRenderer {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PLUGIN = "viola-airgap";

/**
 * Returns the flags and environment that make this version of helm (such as `v3.17.1`) run the
 * command as post-renderer. Writes the plugin that Helm 4 requires to `folder`.
 * https://helm.sh/docs/topics/advanced/#post-rendering
 * https://helm.sh/docs/plugins/developer/tutorial-postrenderer-plugin
 */
export async function preparePostRenderer(
  helmVersion: string,
  [program = "", ...args]: readonly string[],
  folder: string,
): Promise<PostRenderer> {
  if (helmVersion.startsWith("v3.")) {
    return {
      flags: [`--post-renderer=${program}`, ...args.map((arg) => `--post-renderer-args=${arg}`)],
      env: {},
    };
  }
  const plugins = join(folder, "plugins");
  await mkdir(join(plugins, PLUGIN), { recursive: true });
  const plugin = {
    apiVersion: "v1",
    type: "postrenderer/v1",
    name: PLUGIN,
    version: "1.0.0",
    runtime: "subprocess",
    // Helm splits the command at spaces, but not its arguments.
    runtimeConfig: { platformCommand: [{ command: "env", args: [program, ...args] }] },
  };
  await writeFile(join(plugins, PLUGIN, "plugin.yaml"), JSON.stringify(plugin));
  return { flags: [`--post-renderer=${PLUGIN}`], env: { HELM_PLUGINS: plugins } };
}
