// Helm hooks: which objects only `helm test` creates.
import type { RenderedObject } from "./rendered-object.js";

/**
 * True for an object, or evidence in one, that nothing but `helm test` creates. `test-success` and `test-failure` are its old names
 * (https://helm.sh/docs/topics/charts_hooks/); an object that is a hook of install too is needed there.
 */
export function isTestHook({ hooks = [] }: Partial<Pick<RenderedObject, "hooks">>): boolean {
  return hooks.length > 0 && hooks.every((hook) => /^test(?:-success|-failure)?$/.test(hook));
}
