// The grammars of names that become arguments of other programs, names of files, and HTTP headers.
// None of them allows a name that begins with a hyphen, which programs would read as an option.

/**
 * Name of a Helm release. Helm allows 53 characters so that names derived from a release still fit
 * into a label.
 */
export const RELEASE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?$/;
export const RELEASE_NAME_RULE = "must be at most 53 lower-case letters, digits and -";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names */
export const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const NAMESPACE_RULE = "must be at most 63 lower-case letters, digits and -";

/** Name or version of a bundle, both of which are parts of file names and of labels. */
export const BUNDLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
export const BUNDLE_NAME_RULE = "must be letters, digits and . _ + - only";

/** Name or version of a chart, both of which are parts of file names. */
export const CHART_NAME = /^[A-Za-z0-9_+][A-Za-z0-9._+-]*$/;
export const CHART_NAME_RULE = "must be letters, digits and . _ + - only";

/** Version of Kubernetes, such as `v1.30.2` or `1.30`. */
export const KUBE_VERSION = /^v?\d+\.\d+(?:\.\d+)?(?:[-+][A-Za-z0-9.+-]*)?$/;
export const KUBE_VERSION_RULE = "must be a version such as v1.30.2";

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
export const IMAGE_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const IMAGE_TAG_RULE = "must be a tag";

/** API version as helm takes it: `apps/v1` or `apps/v1/Deployment`. */
export const API_VERSION = /^[A-Za-z0-9][A-Za-z0-9./-]*$/;
export const API_VERSION_RULE = "must be an API version such as apps/v1";

/** Media type without parameters; empty when a manifest states none. RFC 6838, 4.2. */
export const MEDIA_TYPE = /^(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)?$/;
export const MEDIA_TYPE_RULE = "must be a media type";

/** Relative path in a bundle, in which no component is hidden or leads upwards. */
export const BUNDLE_PATH = /^[A-Za-z0-9_+][A-Za-z0-9._+-]*(?:\/[A-Za-z0-9_+][A-Za-z0-9._+-]*)*$/;
export const BUNDLE_PATH_RULE = "must be a relative path of letters, digits and . _ + -";
