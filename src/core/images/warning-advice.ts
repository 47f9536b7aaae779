// What a user can do about a warning: the command that settles it, and the field of the spec.

/** For a program that may start images that nobody named. */
export const SETTLE_PROGRAM =
  "Run `images --inspect-operators` to read the names out of its program, or `rehearse` to see what it starts, and put " +
  "what you need into images.include of the spec.";

/** For images that depend on custom resources that are created later. */
export const SETTLE_LATER =
  "Add the custom resources to the bundle, or put the images that they need into images.include of the spec; " +
  "`rehearse` shows what is started.";

/** For images of which only one is used. */
export const SETTLE_CHOICE =
  "Put the one that will be used into images.include of the spec; `rehearse` shows which it is.";

/** For text that could not be searched. */
export const SETTLE_BY_REHEARSAL =
  "Run `rehearse` to see what it starts, and put what you need into images.include of the spec.";
