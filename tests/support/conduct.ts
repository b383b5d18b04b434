// A process of its own that runs a study on the CPU backend: the first argument is a `StudyProcess` in JSON.
import { cpu } from "../../src/cpu/cpu.js";
import { convergence } from "../../src/studies/convergence/study.js";
import { dynamics } from "../../src/studies/dynamics/study.js";
import { elliptical } from "../../src/studies/elliptical/study.js";
import { pathfinder } from "../../src/studies/pathfinder/study.js";
import { potts } from "../../src/studies/potts/study.js";
import { fromJson } from "../../src/studies/runner/results.js";
import { conduct, type Session, type Study } from "../../src/studies/runner/study.js";
import { symmetric } from "../../src/studies/symmetric/study.js";
import { text } from "../../src/studies/text/study.js";
import type { TaskOptions } from "../../src/studies/runner/tasks.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";

/** What such a process does. */
export interface StudyProcess extends TaskOptions {
  readonly study: string;
  readonly configuration: unknown;
  readonly seed: number;
  readonly out: string;
}

const { study, configuration, ...options } = fromJson(process.argv[2]) as StudyProcess;
const studies: readonly Study<unknown, unknown>[] = [convergence, dynamics, elliptical, pathfinder, potts, symmetric, text, wavefunction];
const found = studies.find(({ name }) => name === study);
if (found === undefined) throw new Error(`no study ${study}`);
process.stdout.write("started\n");

/** The study, which says of every task whether it was taken as it was, continued from a state, or done from its start. */
const telling: typeof found = {
  ...found,
  run: (given, session) => {
    const task: Session<unknown>["task"] = async (asked, work) => {
      let how = "taken";
      const result = await session.task(asked, (kept: Parameters<typeof work>[0]) => {
        how = kept.state === undefined ? "done" : "continued";
        return work(kept);
      });
      process.stdout.write(`${how}: ${asked.name}\n`);
      return result;
    };
    return found.run(given, { ...session, task });
  },
};
await conduct(telling, configuration, { backend: cpu, command: "test", ...options });
