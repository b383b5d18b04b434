import type { Backend } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import type { Session, Study } from "../../src/studies/runner/study.js";

/** A session that does every task at once, keeps nothing, and writes nothing. */
export const sessionOn = (backend: Backend, seed = 1): Session<unknown> => ({
  backend,
  seed,
  report: () => undefined,
  checkpoint: () => Promise.resolve(),
  save: () => Promise.resolve(),
  task: (_, work) => work({ state: undefined, isDue: () => false, store: () => Promise.resolve() }),
});

/** What a study measures on the CPU backend, as it was saved last; nothing is written. */
export async function measurementsOf<Configuration, Measurements>(study: Study<Configuration, Measurements>, configuration: Configuration, seed: number): Promise<Measurements> {
  let last: Measurements | undefined;
  await study.run(configuration, {
    ...sessionOn(cpu, seed),
    save: (measurements) => Promise.resolve(void (last = structuredClone(measurements))),
  });
  if (last === undefined) throw new Error("nothing was saved");
  return last;
}
