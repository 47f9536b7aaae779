// The program itself as Helm's post-renderer: an argument of helm 3, a plugin of helm 4.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What `helm upgrade` needs to pass its render through a command. */
export interface PostRenderer {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PLUGIN = "viola-airgap";

/**
 * Returns flags and environment for this version of helm (`v3.17.1`) that make it run `command` as post-renderer; a plugin that helm 4 needs
 * is written below `folder`. https://helm.sh/docs/topics/advanced/#post-rendering,
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
    // Helm takes a command apart at blanks, its arguments not.
    runtimeConfig: { platformCommand: [{ command: "env", args: [program, ...args] }] },
  };
  await writeFile(join(plugins, PLUGIN, "plugin.yaml"), JSON.stringify(plugin));
  return { flags: [`--post-renderer=${PLUGIN}`], env: { HELM_PLUGINS: plugins } };
}
