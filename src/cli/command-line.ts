// Conventions of every command: options that take lists, examples in the help, and usage errors.
import { Option, type Command, type CommanderError } from "commander";
import { findNearest } from "../core/nearest.js";
import { ViolaError } from "../errors.js";

/**
 * Returns an option that takes a list: values separated by commas, the option repeated, or both. `\,`
 * is a comma within a value. Each occurrence takes one word, so that the argument of the command may
 * follow it. A value that is not in `choices`, and that `accepts` does not accept either, is a usage
 * error.
 */
export function listOption(
  flags: string,
  description: string,
  choices?: readonly string[],
  accepts: (value: string) => boolean = () => false,
): Option {
  const option = new Option(flags, `${description}; separated by commas or repeated`);
  if (choices !== undefined) option.choices(choices);
  return option
    .argParser<readonly string[]>((text, previous) => [
      ...previous,
      ...splitList(text, flags, choices, accepts),
    ])
    .default([], "none");
}

function splitList(
  text: string,
  flags: string,
  choices: readonly string[] | undefined,
  accepts: (value: string) => boolean,
): readonly string[] {
  const subject = /--[a-z-]+/.exec(flags)?.[0] ?? flags;
  const values = text.split(/(?<!\\),/).map((value) => value.replaceAll("\\,", ",").trim());
  if (values.includes("")) {
    throw new ViolaError("USAGE", `${subject}: "${text}" has an empty entry`, {
      subject,
      hint: "Separate values with one comma, or repeat the option.",
    });
  }
  const unknown = values.find((value) => choices?.includes(value) === false && !accepts(value));
  if (unknown === undefined || choices === undefined) return values;
  const near = findNearest(unknown, choices);
  throw new ViolaError("USAGE", `${subject}: "${unknown}" is not one of its values`, {
    subject,
    hint: `${near === undefined ? "" : `Did you mean ${near}? `}The values are ${choices.join(", ")}.`,
  });
}

/** The option of all commands that read a bundle; see `CommandRuntime.requiredKeys`. */
export function keyOption(): Option {
  return listOption("--key <file>", "Ed25519 public key; refuse a bundle that none of these keys has signed");
}

/** Returns the examples that follow the help of a command: command lines without the program's name. */
export function examples(...lines: readonly string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  viola-airgap ${line}`)].join("\n");
}

/**
 * Returns commander's error about the command line as a `USAGE` error. The subject is the command,
 * option or argument that the message is about.
 */
export function usageError(error: CommanderError, command: Command): ViolaError {
  const [message = "", ...suggestions] = error.message.replace(/^error: /, "").split("\n");
  const path = command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
  // Commander's placeholder for help that it printed because no command was given.
  if (error.code === "commander.help") {
    const visible = command.createHelp().visibleCommands(command);
    const names = visible.map((one) => one.name()).join(", ");
    return new ViolaError("USAGE", "a command is required", {
      subject: command.name(),
      hint: `The commands are ${names}.`,
    });
  }
  const quoted = /'([^']*)'/.exec(message)?.[1];
  const subject = /--[a-z][\w-]*/.exec(quoted ?? "")?.[0] ?? quoted;
  const near = suggestions.join(" ").replace(/^\((.*)\)$/, "$1 ");
  const list =
    error.code === "commander.excessArguments"
      ? "An option takes one value; a list is A,B without spaces. "
      : "";
  return new ViolaError("USAGE", message, {
    ...(subject !== undefined && { subject }),
    hint: `${near}${list}Usage: ${path} ${command.usage()}; see ${path} --help.`,
  });
}
