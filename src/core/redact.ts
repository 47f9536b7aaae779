// Removes secrets from URLs and command lines, so that they can be shown.

/** Query values that may be shown; anything else may be a signature or a token (internal/redact of go-containerregistry). */
const HARMLESS_QUERY = new Set(["scope", "service", "ns"]);
const HIDDEN = "REDACTED";

/** Returns the URL without user, password, and query values that may be secret. */
export function redactUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  for (const name of new Set(shown.searchParams.keys())) {
    if (!HARMLESS_QUERY.has(name)) shown.searchParams.set(name, HIDDEN);
  }
  return shown.href;
}

/** Parts of the names of options, variables and values that hold secrets. */
const SECRET = "pass(?:word|wd|phrase)?|pwd|secret|token|credential|api-?_?key|private-?_?key|authorization";
const SECRET_OPTION = new RegExp(`^--?[\\w.-]*(?:${SECRET})s?$`, "i");
/** `NAME=VALUE`, alone, after an option, or in a list of `--set`. */
const SECRET_PAIR = new RegExp(
  `((?:^|[\\s,'"])[\\w.[\\]-]*(?:${SECRET})[\\w.[\\]-]*=)(?:\\\\,|[^,\\s])*`,
  "gi",
);
const SECRET_HEADER = /((?:authorization:|bearer|basic)\s+)[^'"]+/gi;
/** Options whose value may be `USER:PASSWORD`. */
const USER_OPTION = /^(?:-u|--user|--creds)$/;
const URL_TEXT = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi;

/** Returns the text with every URL in it as `redactUrl` returns it. */
export function redactText(text: string): string {
  return text.replaceAll(URL_TEXT, (url) =>
    URL.canParse(url) && /[@?]/.test(url) ? redactUrl(new URL(url)) : url,
  );
}

/**
 * Returns the command line without values that are secret by the name before them, without passwords
 * and query values in URLs, and without authorization headers.
 */
export function redactArguments(argv: readonly string[]): readonly string[] {
  return argv.map((argument, index) => {
    const option = argv[index - 1] ?? "";
    if (SECRET_OPTION.test(option)) return HIDDEN;
    const shown = USER_OPTION.test(option) ? argument.replace(/:.*/s, `:${HIDDEN}`) : argument;
    return redactText(shown).replaceAll(SECRET_PAIR, `$1${HIDDEN}`).replaceAll(SECRET_HEADER, `$1${HIDDEN}`);
  });
}
