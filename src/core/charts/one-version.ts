// Tells whether a version of a chart is one version or a range.

/**
 * True for `1.2.3`, `v1.2.3-rc.1+build` and `=1.2.3`. All else can mean several versions, such as
 * `5.29.*` and `1.2`; see https://github.com/Masterminds/semver#checking-version-constraints.
 */
export function isOneVersion(version: string): boolean {
  return /^=?\s*v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(version.trim());
}
