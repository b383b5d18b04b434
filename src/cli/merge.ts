import { Command } from "commander";
import type { StudyEvent } from "../studies/runner/events.js";
import { mergeShards } from "../studies/runner/merge.js";
import type { Study } from "../studies/runner/study.js";
import { given } from "./flags.js";
import { closingText } from "./study.js";
import type { Terminal } from "./terminal.js";

/** `study merge`. */
export function mergeCommand(studies: readonly Study<unknown, unknown>[], { stdout }: Terminal): Command {
  return new Command("merge")
    .description("join the results of shards (--shard i/n) into those of the whole study")
    .argument("<folders...>", "what the shards wrote, such as out/dynamics/shard-*")
    .option("--out <folder>", "where the joined results go (default: out/<name of the study>)")
    .action(async (folders: readonly string[], { out: wanted }: { readonly out?: string }) => {
      const report = (event: StudyEvent): void => void (event.kind === "note" && stdout.write(`${event.text}\n`));
      const { presentation, out } = await mergeShards(folders, studies, { ...given({ out: wanted }), report });
      stdout.write(`${closingText(presentation)}\nJoined ${folders.length} shards: ${out}/report.html, ${out}/results.json\n`);
    });
}
