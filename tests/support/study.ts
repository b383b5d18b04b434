import type { Backend } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import type { Report, TitledReport } from "../../src/studies/report/report.js";
import { reportOf } from "../../src/studies/runner/conduct.js";
import { valuesOf, type Chosen, type Declared, type Values } from "../../src/studies/runner/options.js";
import { declareStudy, type Study, type Task, type Work } from "../../src/studies/runner/study.js";

/** The `Work` of a task that stores and writes nothing. */
export const workOn = <State, Result = unknown>(backend: Backend): Work<State, Result> => ({
  backend,
  state: undefined,
  isDue: () => false,
  store: () => Promise.resolve(),
  measured: () => Promise.resolve(),
  report: () => undefined,
  checkpoint: () => Promise.resolve(),
});

/** The options of a study: its defaults with some changed. */
export const optionsOf = <Options extends Declared, Data, Result, Measurements>(
  study: Study<Options, Data, Result, Measurements>,
  ...choices: readonly Chosen<Options>[]
): Values<Options> =>
  valuesOf(
    study.options,
    ...(choices.length > 0 && study.derive ? [study.derive(choices[choices.length - 1])] : []),
    ...choices,
  );

/** The measurements of a study on the CPU backend; nothing is written. */
export async function measurementsOf<Options extends Declared, Data, Result, Measurements>(
  study: Study<Options, Data, Result, Measurements>,
  options: Values<Options>,
  seed: number,
): Promise<Measurements> {
  study.check?.(options);
  const data = (await study.data?.(options, seed, () => undefined)) as Data;
  const done = new Map<string, Result>();
  for (const task of await study.tasks(options, seed)) {
    const needed = [...done].flatMap(([name, result]) => (task.needs?.includes(name) ? [result] : []));
    done.set(task.name, await task.run(data, workOn(cpu), needed));
  }
  const measurements = study.gather([...done.values()], options, seed);
  if (measurements === undefined) throw new Error("nothing was measured");
  return measurements;
}

/** The report of a stopped study's measurements. */
export function stoppedReport(study: unknown, configuration: unknown, measurements: unknown, seed = 1): TitledReport {
  const provenance = {
    study: "",
    partial: true,
    seed,
    command: "test",
    device: { kind: "cpu", name: "cpu" },
    versions: {},
    startedAt: "",
    seconds: 0,
  } as const;
  return reportOf(study as Study, { ...provenance, configuration, measurements });
}

/** A study without options whose tasks are named functions; its measurements are their results. */
export const studyOf = <Result>(
  name: string,
  tasks: Readonly<Record<string, (work: Work<unknown, Result>) => Promise<Result>>>,
  report: () => Report = () => ({ answer: "", blocks: [] }),
) =>
  declareStudy({
    name,
    question: "?",
    title: name,
    options: {},
    tasks: () =>
      Object.entries(tasks).map(([task, run]): Task<unknown, Result> => ({
        name: task,
        depends: () => 0,
        run: (_, work) => run(work),
      })),
    gather: (values: readonly Result[]) => ({ values }),
    report,
  });
