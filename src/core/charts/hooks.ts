// Finds out which Helm hooks run only in `helm test`.
import type { ImageUse } from "../images/image-use.js";
import type { RenderedObject } from "./rendered-object.js";

/**
 * True for an object, or for evidence from an object, that only `helm test` creates. `test-success`
 * and `test-failure` are older names of the hook (https://helm.sh/docs/topics/charts_hooks/). An
 * object that is also an install hook is not a test hook.
 */
export function isTestHook({ hooks = [] }: Partial<Pick<RenderedObject, "hooks">>): boolean {
  return hooks.length > 0 && hooks.every((hook) => /^test(?:-success|-failure)?$/.test(hook));
}

/** True for an image that only `helm test` starts. */
export function isTestImage({ required, evidence }: Pick<ImageUse, "required" | "evidence">): boolean {
  return !required && evidence.some(isTestHook);
}
