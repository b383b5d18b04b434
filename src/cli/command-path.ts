import type { Command } from "commander";

/** The words that name a command, from the program's own on. */
export function commandPath(command: Command): string[] {
  return [...(command.parent ? commandPath(command.parent) : []), command.name()];
}
