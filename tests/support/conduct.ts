// A separate process that runs a study on the CPU backend; its first argument is a `StudyProcess` in JSON.
import { cpu } from "../../src/cpu/cpu.js";
import { studies } from "../../src/studies/registry.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import type { Declared, Values } from "../../src/studies/runner/options.js";
import { fromJson } from "../../src/studies/runner/results.js";
import type { Study } from "../../src/studies/runner/study.js";
import type { TaskOptions } from "../../src/studies/runner/tasks.js";

/** Settings of the process. */
export interface StudyProcess extends TaskOptions {
  readonly study: string;
  readonly configuration: unknown;
  readonly seed: number;
  readonly out: string;
}

const { study, configuration, ...options } = fromJson(process.argv[2]) as StudyProcess;
const found = studies.find(({ name }) => name === study);
if (found === undefined) throw new Error(`no study ${study}`);
process.stdout.write("started\n");

/** How every task ran: taken as finished, continued from a state, or run from its start. */
const ways = new Map<string, "taken" | "continued" | "done">();
const telling: Study = {
  ...found,
  async tasks(given, seed) {
    const tasks = await found.tasks(given, seed);
    return tasks.map((task) => {
      ways.set(task.name, "taken");
      return {
        ...task,
        run(data, work, needed) {
          ways.set(task.name, work.state === undefined ? "done" : "continued");
          return task.run(data, work, needed);
        },
      };
    });
  },
};
await conduct(telling, configuration as Values<Declared>, { backend: cpu, command: "test", ...options });
for (const [name, way] of ways) process.stdout.write(`${way}: ${name}\n`);
