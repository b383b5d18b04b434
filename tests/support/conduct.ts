// A process of its own that runs a study on the CPU backend: the first argument is a `StudyProcess` in JSON.
import { cpu } from "../../src/cpu/cpu.js";
import { convergence } from "../../src/studies/convergence/study.js";
import { dynamics } from "../../src/studies/dynamics/study.js";
import { pathfinder } from "../../src/studies/pathfinder/study.js";
import { potts } from "../../src/studies/potts/study.js";
import { fromJson } from "../../src/studies/results.js";
import { conduct, type Study } from "../../src/studies/study.js";
import { text } from "../../src/studies/text-encoder/study.js";
import type { TaskOptions } from "../../src/studies/tasks.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";

/** What such a process does. */
export interface StudyProcess extends TaskOptions {
  readonly study: string;
  readonly configuration: unknown;
  readonly seed: number;
  readonly out: string;
}

const { study, configuration, ...options } = fromJson(process.argv[2]) as StudyProcess;
const found = ([convergence, dynamics, pathfinder, potts, text, wavefunction] as readonly Study<unknown, unknown>[]).find(({ name }) => name === study);
if (found === undefined) throw new Error(`no study ${study}`);
process.stdout.write("started\n");
await conduct(found, configuration, { backend: cpu, command: "test", ...options });
