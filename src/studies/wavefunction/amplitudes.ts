import { once } from "node:events";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { random } from "../../core/random.js";
import { tensorsIn } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { amplitudesOf, remembered, rememberedAmplitudes, type LogAmplitude } from "../../physics/amplitudes.js";
import type { AnsatzParameters } from "../../physics/ansatz-parameters.js";
import type { ComplexNumbers } from "../../physics/complex.js";
import type { VariationalProblem } from "../../physics/variational.js";
import { problemOf } from "./optimization.js";
import type { AttentionName, OptimizationSetting } from "./options.js";

type Numbers = Float32Array | Float64Array;

/** What decides a wave function apart from its parameters. */
export interface Model {
  readonly attention: AttentionName;
  readonly setting: OptimizationSetting;
}

/** What a thread is told: the numbers of the parameters, or spins whose log ψ it answers. */
export type Message = { readonly parameters: readonly Numbers[] } | { readonly spins: Int8Array };

/** A wave function on the CPU whose parameters are set by their numbers. */
export interface Copy {
  load(parameters: readonly Numbers[]): void;
  readonly evaluate: LogAmplitude;
}

export function copyOf({ attention, setting }: Model): Copy {
  const { ansatz } = problemOf(attention, setting);
  const parameters = ansatz.initialize(cpu, random(0));
  const tensors = tensorsIn(parameters);
  return {
    // `adopt` takes the numbers of a diverged optimisation too
    load: (numbers) => tensors.forEach((tensor, at) => tensor.assign(cpu.adopt(numbers[at], tensor.shape, "f64"))),
    evaluate: amplitudesOf(ansatz, parameters),
  };
}

/** Where log ψ of draws and local energies is evaluated. */
export interface Amplitudes {
  /** log ψ of these parameters, as long as they do not change. */
  of(parameters: AnsatzParameters): Promise<LogAmplitude>;
  close(): Promise<void>;
}

/** What the thread runs. The build makes it; from sources there is none, and one thread evaluates all. */
const script = new URL("./wavefunction-thread.js", import.meta.url);
const MOST_THREADS = 16;
/** Least configurations that are worth a message to a thread. */
const LEAST_ROWS = 8;

/**
 * log ψ of the problem of `model` on the CPU, by as many threads as the machine has processors: a software adapter takes
 * longer. Its numbers do not depend on the number of threads.
 */
export function cpuAmplitudes({ ansatz, represent }: VariationalProblem, model: Model): Amplitudes {
  const { sites } = ansatz.lattice;
  const own = copyOf(model);
  const others = existsSync(script) ? Math.min(availableParallelism(), MOST_THREADS) - 1 : 0;
  const threads = Array.from({ length: others }, () => {
    const thread = new Worker(script, { workerData: model });
    thread.unref();
    return thread;
  });

  async function evaluate(spins: Int8Array): Promise<ComplexNumbers> {
    const rows = spins.length / sites;
    const parts = Math.max(1, Math.min(threads.length + 1, Math.floor(rows / LEAST_ROWS)));
    const start = (part: number): number => Math.floor((part * rows) / parts);
    const asked = threads.slice(0, parts - 1).map((thread, part) => {
      thread.postMessage({ spins: spins.slice(start(part) * sites, start(part + 1) * sites) } satisfies Message);
      return once(thread, "message").then(([answer]) => answer as ComplexNumbers);
    });
    const last = own.evaluate(spins.subarray(start(parts - 1) * sites));
    const amplitudes = { re: new Float64Array(rows), im: new Float64Array(rows) };
    for (const [part, { re, im }] of (await Promise.all([...asked, last])).entries()) {
      amplitudes.re.set(re, start(part));
      amplitudes.im.set(im, start(part));
    }
    return amplitudes;
  }

  return {
    async of(parameters) {
      const numbers = await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()));
      own.load(numbers);
      for (const thread of threads) thread.postMessage({ parameters: numbers } satisfies Message);
      return remembered(sites, evaluate, represent);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}

/** log ψ on the parameters' own backend. */
export function backendAmplitudes({ ansatz, represent }: VariationalProblem): Amplitudes {
  return {
    of: (parameters) => Promise.resolve(rememberedAmplitudes(ansatz, parameters, represent)),
    close: () => Promise.resolve(),
  };
}
