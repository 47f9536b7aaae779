// Hints for warnings: the command that provides the missing information, and the field of the spec
// to change.

/** For a program that may start images that no chart names. */
export const SETTLE_PROGRAM =
  "Run `images --inspect-operators` to find image names in its program, or `rehearse` to see which images it starts; " +
  "then add the images that you need to images.include of the spec.";

/** For images that depend on custom resources that are created later. */
export const SETTLE_LATER =
  "Add the custom resources to the bundle, or add the images that they need to images.include of the spec; " +
  "`rehearse` shows which images are started.";

/** For custom resources of an operator that is in no chart. */
export const SETTLE_ABSENT =
  "Add the chart of the operator to the spec, as it is installed on the target, or add the images that it starts for the " +
  "resource to images.include of the spec; `rehearse` shows which images are started.";

/** For alternatives of which only one image is used. */
export const SETTLE_CHOICE =
  "Add the image that will be used to images.include of the spec; `rehearse` shows which one it is.";

/** For text that could not be searched for images. */
export const SETTLE_BY_REHEARSAL =
  "Run `rehearse` to see which images are started; then add those that you need to images.include of the spec.";
