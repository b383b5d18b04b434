import { once } from "node:events";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { random } from "../../core/random.js";
import { countParameters, disposeTree, tensorsIn } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { amplitudesOf, remembered, rememberedAmplitudes, type LogAmplitude } from "../../physics/amplitudes.js";
import type { AnsatzParameters } from "../../physics/ansatz-parameters.js";
import type { ComplexNumbers } from "../../physics/complex.js";
import { blocksOf, jacobian, type Jacobian } from "../../physics/jacobian.js";
import type { StepOptions, VariationalProblem } from "../../physics/variational.js";
import { problemOf } from "./optimization.js";
import type { AttentionName, OptimizationSetting } from "./options.js";

type Numbers = Float32Array | Float64Array;

/** What decides a wave function apart from its parameters. */
export interface Model {
  readonly attention: AttentionName;
  readonly setting: OptimizationSetting;
}

/** log ψ [rows], or its derivatives [rows, P], for spins [rows, sites]. */
export type Wanted = "amplitudes" | "derivatives";

/** What a thread is told: the numbers of the parameters, or spins for which it answers what is wanted. */
export type Message =
  { readonly parameters: readonly Numbers[] } | { readonly wanted: Wanted; readonly spins: Int8Array };

/** A wave function on the CPU whose parameters are set by their numbers. */
export interface Copy extends Readonly<Record<Wanted, (spins: Int8Array) => Promise<ComplexNumbers>>> {
  load(parameters: readonly Numbers[]): void;
}

export function copyOf({ attention, setting }: Model): Copy {
  const { ansatz } = problemOf(attention, setting);
  const parameters = ansatz.initialize(cpu, random(0));
  const tensors = tensorsIn(parameters);
  return {
    // `adopt` takes the numbers of a diverged optimisation too
    load: (numbers) => tensors.forEach((tensor, at) => tensor.assign(cpu.adopt(numbers[at], tensor.shape, "f64"))),
    amplitudes: amplitudesOf(ansatz, parameters),
    async derivatives(spins) {
      const parts = jacobian(ansatz, parameters, spins);
      const [re, im] = await Promise.all([parts.re.read(), parts.im.read()]);
      disposeTree(parts);
      return { re: Float64Array.from(re), im: Float64Array.from(im) };
    },
  };
}

/** What a step evaluates. */
export type Evaluated = Pick<StepOptions, "derivatives"> & { readonly logAmplitude: LogAmplitude };

/** Where log ψ and its derivatives are evaluated. */
export interface Evaluation {
  /** Those of these parameters, as long as they do not change. */
  of(parameters: AnsatzParameters): Promise<Evaluated>;
  close(): Promise<void>;
}

/** What the thread runs. The build makes it; from sources there is none, and one thread evaluates all. */
const script = new URL("./wavefunction-thread.js", import.meta.url);
const MOST_THREADS = 16;
/** Least configurations that are worth a message to a thread. */
const LEAST_ROWS = 64;

/**
 * The problem of `model` on the CPU, by as many threads as the machine has processors. Numbers do not depend on how many
 * there are.
 */
export function onThreads({ ansatz, represent }: VariationalProblem, model: Model): Evaluation {
  const { sites } = ansatz.lattice;
  const own = copyOf(model);
  const others = existsSync(script) ? Math.min(availableParallelism(), MOST_THREADS) - 1 : 0;
  const threads = Array.from({ length: others }, () => {
    const thread = new Worker(script, { workerData: model });
    thread.unref();
    return thread;
  });

  /** What is wanted for all rows, `width` numbers for each. */
  async function evaluate(wanted: Wanted, spins: Int8Array, width: number): Promise<ComplexNumbers> {
    const rows = spins.length / sites;
    const parts = Math.max(1, Math.min(threads.length + 1, Math.floor(rows / LEAST_ROWS)));
    const start = (part: number): number => Math.floor((part * rows) / parts);
    const asked = threads.slice(0, parts - 1).map((thread, part) => {
      const message: Message = { wanted, spins: spins.slice(start(part) * sites, start(part + 1) * sites) };
      thread.postMessage(message);
      return once(thread, "message").then(([answer]) => answer as ComplexNumbers);
    });
    const last = own[wanted](spins.subarray(start(parts - 1) * sites));
    const all = { re: new Float64Array(rows * width), im: new Float64Array(rows * width) };
    for (const [part, { re, im }] of (await Promise.all([...asked, last])).entries()) {
      all.re.set(re, start(part) * width);
      all.im.set(im, start(part) * width);
    }
    return all;
  }

  return {
    async of(parameters) {
      const numbers = await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()));
      own.load(numbers);
      for (const thread of threads) thread.postMessage({ parameters: numbers } satisfies Message);
      const width = countParameters(parameters);
      return {
        logAmplitude: remembered(sites, (spins) => evaluate("amplitudes", spins, 1), represent),
        async derivatives(spins) {
          const blocks: Jacobian[] = [];
          for (const part of blocksOf(ansatz, parameters, spins)) {
            const { re, im } = await evaluate("derivatives", part, width);
            const shape = [part.length / sites, width];
            blocks.push({ re: cpu.adopt(re, shape, "f64"), im: cpu.adopt(im, shape, "f64") });
          }
          return blocks;
        },
      };
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}

/** The problem on the parameters' own backend. */
export function onBackend({ ansatz, represent }: VariationalProblem): Evaluation {
  return {
    of: (parameters) => Promise.resolve({ logAmplitude: rememberedAmplitudes(ansatz, parameters, represent) }),
    close: () => Promise.resolve(),
  };
}
