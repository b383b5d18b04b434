import { cpu } from "../../src/cpu/cpu.js";
import type { Session, Study } from "../../src/studies/study.js";

/** Does every task at once, and keeps nothing. */
const runTask: Session<unknown>["task"] = (_, work) => work({ state: undefined, isDue: () => false, store: () => Promise.resolve() });

/** What a study measures on the CPU backend, as it was saved last; nothing is written. */
export async function measurementsOf<Configuration, Measurements>(study: Study<Configuration, Measurements>, configuration: Configuration, seed: number): Promise<Measurements> {
  let last: Measurements | undefined;
  await study.run(configuration, {
    backend: cpu,
    seed,
    report: () => undefined,
    checkpoint: () => Promise.resolve(),
    task: runTask,
    save: (measurements) => Promise.resolve(void (last = structuredClone(measurements))),
  });
  if (last === undefined) throw new Error("nothing was saved");
  return last;
}
