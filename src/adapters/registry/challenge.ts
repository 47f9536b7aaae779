// Reads WWW-Authenticate.

/** One way of authenticating that a server offers; scheme and parameter names are lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
/** A parameter, or a scheme with white space behind it, or a scheme alone (RFC 9110, 11.6.1). */
const PART = `\\s*,?\\s*(?:(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))|(${TOKEN})(?=[\\s,]|$)(?!\\s*=))`;

/** Returns the challenges of a header in their order, several joined by commas included. What cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const [, name, quoted, bare, scheme] of header.matchAll(new RegExp(PART, "gy"))) {
    if (scheme !== undefined) {
      challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    } else if (name !== undefined) {
      const current = challenges.at(-1);
      if (current === undefined) return [];
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    }
  }
  return challenges;
}
