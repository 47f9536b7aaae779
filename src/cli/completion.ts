// `completion bash|zsh|fish`: prints a script that completes commands, options and their values.
import { Argument, type Command } from "commander";
import { examples } from "./command-line.js";
import { EXIT } from "./failure.js";
import { COMPLETION_SHELLS, formatCompletion, type CompletionShell } from "./reporters/completion.js";
import type { CommonOptions, RunCommand } from "./runtime.js";

/** Registers the command. The script is generated from the program when the command runs. */
export function registerCompletion(program: Command, runCommand: RunCommand): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addHelpText(
      "after",
      [
        examples("completion bash > ~/.local/share/bash-completion/completions/viola-airgap"),
        '  source <(viola-airgap completion zsh)   # in ~/.zshrc, after "compinit"',
        "  viola-airgap completion fish > ~/.config/fish/completions/viola-airgap.fish",
      ].join("\n"),
    )
    .addArgument(new Argument("<shell>", "shell that reads the script").choices(COMPLETION_SHELLS))
    .action(async (shell: CompletionShell, options: CommonOptions) => {
      await runCommand(options, (runtime) => {
        const script = formatCompletion(program, shell);
        runtime.print(undefined, () => script.trimEnd(), { formatVersion: 1, shell, script });
        return Promise.resolve(EXIT.done);
      });
    });
}
