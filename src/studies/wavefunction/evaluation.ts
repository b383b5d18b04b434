import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { random } from "../../core/random.js";
import { countParameters, disposeTree, tensorsIn, type Tensor } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { amplitudesOf, remembered, rememberedAmplitudes, type LogAmplitude } from "../../physics/amplitudes.js";
import type { AnsatzParameters } from "../../physics/ansatz-parameters.js";
import type { ComplexNumbers } from "../../physics/complex.js";
import { blocksOf, jacobian, type Jacobian } from "../../physics/jacobian.js";
import { singlePrecision } from "../../physics/single/wave-function.js";
import type { StepOptions, VariationalProblem } from "../../physics/variational.js";
import { problemOf } from "./optimization.js";
import type { AttentionName, OptimizationSetting } from "./setting.js";

type Numbers = Float32Array | Float64Array;

/** What decides a wave function apart from its parameters. */
export interface Model {
  readonly attention: AttentionName;
  readonly setting: OptimizationSetting;
}

/** log ψ [rows], or its derivatives [rows, P], for spins [rows, sites]. */
type Wanted = "amplitudes" | "derivatives";

/** Spins, and the memory that threads share for what is wanted of them. */
interface Question {
  readonly wanted: Wanted;
  readonly spins: Int8Array;
  readonly into: ComplexNumbers;
}

/** What a thread is told: the numbers of the parameters, or a question that it answers. */
export type Message = { readonly parameters: readonly Numbers[] } | Question;

/** A wave function on the CPU whose parameters are set by their numbers. */
export interface Copy {
  load(parameters: readonly Numbers[]): void;
  /** Writes what is wanted, row by row. */
  answer(question: Question): Promise<void>;
}

type Answers = Readonly<Record<Wanted, (spins: Int8Array, into: ComplexNumbers) => Promise<void>>>;

export function copyOf({ attention, setting }: Model): Copy {
  const { ansatz } = problemOf(attention, setting);
  const parameters = ansatz.initialize(cpu, random(0));
  const tensors = tensorsIn(parameters);
  const single = setting.precision === "float32" ? singlePrecision(ansatz) : undefined;

  async function answers(): Promise<Answers> {
    const own = await single?.(parameters);
    const amplitudes = own?.amplitudes ?? amplitudesOf(ansatz, parameters);
    return {
      async amplitudes(spins, into) {
        const { re, im } = await amplitudes(spins);
        into.re.set(re);
        into.im.set(im);
      },
      async derivatives(spins, into) {
        if (own !== undefined) return own.derivatives(spins, into);
        const parts = jacobian(ansatz, parameters, spins);
        for (const part of ["re", "im"] as const) into[part].set(await parts[part].read());
        disposeTree(parts);
      },
    };
  }

  let present: Promise<Answers> | undefined;
  return {
    load(numbers) {
      // `adopt` takes the numbers of a diverged optimisation too
      tensors.forEach((tensor, at) => tensor.assign(cpu.adopt(numbers[at], tensor.shape, "f64")));
      present = undefined;
    },
    answer: async ({ wanted, spins, into }) => (await (present ??= answers()))[wanted](spins, into),
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

/** What a thread runs. The build makes it; from sources there is none, and one thread evaluates all. */
const script = new URL("./wavefunction-thread.js", import.meta.url);
const MOST_THREADS = 16;
/** Least configurations, images counted, that are worth a message to a thread. */
const LEAST: Readonly<Record<Wanted, number>> = { amplitudes: 32, derivatives: 8 };

/** Into how many parts rows with these images are divided, for at most so many threads; none is empty. */
export function partsOf(wanted: Wanted, rows: number, images: number, threads: number): number {
  return Math.max(1, Math.min(threads, rows, Math.floor((rows * images) / LEAST[wanted])));
}

/** A copy in a thread of its own, asked one question at a time. Once it has failed, every answer is its error. */
interface Thread extends Copy {
  close(): Promise<unknown>;
}

function startThread(model: Model): Thread {
  const worker = new Worker(script, { workerData: model });
  let waiting: { resolve(): void; reject(error: Error): void } | undefined;
  let failure: Error | undefined;
  const settle = (): typeof waiting => {
    const asked = waiting;
    waiting = undefined;
    worker.unref(); // a thread without a question does not keep the process alive
    return asked;
  };
  const fail = (error: Error): void => {
    failure ??= error;
    settle()?.reject(failure);
  };
  worker.unref();
  worker.on("message", () => settle()?.resolve());
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`a thread that evaluates wave functions ended with code ${code}`)));
  return {
    load: (parameters) => worker.postMessage({ parameters } satisfies Message),
    answer: (question) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        waiting = { resolve, reject };
        worker.ref();
        worker.postMessage(question satisfies Message);
      }),
    close: () => worker.terminate(),
  };
}

/**
 * Evaluates the wave function of `model` on the CPU, with one thread for each processor, at most 16. Numbers do not
 * depend on how many there are.
 */
export function onThreads({ ansatz, represent }: VariationalProblem, model: Model): Evaluation {
  const { sites } = ansatz.lattice;
  const own = copyOf(model);
  const most = existsSync(script) ? Math.min(availableParallelism(), MOST_THREADS) : 1;
  const threads: Thread[] = [];
  let numbers: readonly Numbers[] = [];

  /** Threads besides this one; a new one is told the parameters. */
  function others(count: number): readonly Thread[] {
    while (threads.length < count) {
      const thread = startThread(model);
      thread.load(numbers);
      threads.push(thread);
    }
    return threads.slice(0, count);
  }

  /** Memory that threads share, for so many numbers. */
  const shared = (count: number): Float64Array =>
    new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
  /** Memory for the derivatives of a step, which stays for the next: the first use of a page takes long. */
  let room = shared(0);

  /** Writes what is wanted for all rows, `width` numbers for each. */
  async function evaluate(wanted: Wanted, spins: Int8Array, width: number, { re, im }: ComplexNumbers): Promise<void> {
    const rows = spins.length / sites;
    const parts = partsOf(wanted, rows, ansatz.images, most);
    const question = (part: number): Question => {
      const [start, end] = [part, part + 1].map((at) => Math.floor((at * rows) / parts));
      const [from, to] = [start * width, end * width];
      const into = { re: re.subarray(from, to), im: im.subarray(from, to) };
      return { wanted, spins: spins.slice(start * sites, end * sites), into };
    };
    const asked = others(parts - 1).map((thread, part) => thread.answer(question(part)));
    await Promise.all([...asked, own.answer(question(parts - 1))]);
  }

  return {
    async of(parameters) {
      numbers = await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()));
      for (const copy of [own, ...threads]) copy.load(numbers);
      const width = countParameters(parameters);
      async function logAmplitude(spins: Int8Array): Promise<ComplexNumbers> {
        const rows = spins.length / sites;
        const into = { re: shared(rows), im: shared(rows) };
        await evaluate("amplitudes", spins, 1, into);
        return into;
      }
      return {
        logAmplitude: remembered(sites, logAmplitude, represent),
        async derivatives(spins) {
          const count = (spins.length / sites) * width;
          if (room.length < 2 * count) room = shared(2 * count);
          const blocks: Jacobian[] = [];
          let start = 0;
          for (const part of blocksOf(ansatz, parameters, spins)) {
            const rows = part.length / sites;
            const cut = (): Float64Array => room.subarray(start, (start += rows * width));
            const into = { re: cut(), im: cut() };
            await evaluate("derivatives", part, width, into);
            const tensor = (values: Float64Array): Tensor => cpu.adopt(values, [rows, width], "f64");
            blocks.push({ re: tensor(into.re), im: tensor(into.im) });
          }
          return blocks;
        },
      };
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
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
