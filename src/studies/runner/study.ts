import type { Backend } from "../../core/tensor.js";
import type { Block, Report } from "../report/report.js";
import type { StudyEvent } from "./events.js";
import type { Chosen, Declared, Preset, Values } from "./options.js";

/** What a task may use while it runs. */
export interface Work<State = unknown, Result = unknown> {
  readonly backend: Backend;
  /** What was stored last, bit for bit; undefined at the start. */
  readonly state: State | undefined;
  /** Whether the last store is so long ago that another is worth its time. */
  isDue(): boolean;
  /** Stores where the task stands: JSON, with snapshots of tensors anywhere in it. */
  store(state: State): Promise<void>;
  /** Gives the result as it stands, which is kept if the study is stopped. */
  measured(result: Result): Promise<void>;
  report(event: StudyEvent): void;
  /** Lets pending events in (Ctrl-C among them). Once the study was told to stop, calls `atStop` and throws `Interrupted`. */
  checkpoint(atStop?: () => Promise<void>): Promise<void>;
}

/** One run of a study. It can be done alone, in another process, and resumed. */
export interface Task<Data, Result, State = unknown> {
  /** Unique within the study: words with spaces between, such as "gaussian seed 3". */
  readonly name: string;
  /** Heading of the progress display. */
  readonly stage?: string;
  /** All that decides the result beside the study, the device and the versions of what computes; or a promise of it. */
  depends(data: Data): unknown;
  /** The result must be JSON. */
  run(data: Data, work: Work<State, Result>): Promise<Result>;
}

/** One experiment, declared: command line, help, shards, merging, validation of stored results and reports follow from it. */
export interface Study<Options extends Declared = Declared, Data = unknown, Result = unknown, Measurements = unknown> {
  readonly name: string;
  /** For the help. */
  readonly question: string;
  /** Of the report. */
  readonly title: string;
  /** The command it belongs to. Default "study". */
  readonly group?: "analyze";
  /** The positional argument of the command: an option, and its help. */
  readonly argument?: { readonly option: keyof Options & string; readonly help: string };
  /** A study in float64 alone takes no other backend. */
  readonly backend?: "cpu";
  /** What the seed draws, for the help. */
  readonly seedOf?: string;
  readonly options: Options;
  /** Flags that set several options; flags of single options count more. */
  readonly presets?: Readonly<Record<string, Preset<Options>>>;
  /** Defaults that depend on what was chosen. */
  derive?(chosen: Chosen<Options>): Chosen<Options>;
  /** @throws ArgumentError for options that do not fit together. */
  check?(options: Values<Options>): void;
  /** Bytes of memory that it takes, at least. */
  bytes?(options: Values<Options>): number;
  /** What the tasks share. Read once, and only if a task is asked for. */
  data?(options: Values<Options>, seed: number, report: (event: StudyEvent) => void): Promise<Data>;
  /** All runs, in order. Their names are known before any work is done. */
  tasks(options: Values<Options>, seed: number): readonly Task<Data, Result>[] | Promise<readonly Task<Data, Result>[]>;
  /** What `results.json` holds of the finished tasks, in order; the last may be as it stood when it was stopped. Undefined where they say nothing yet. */
  gather(done: readonly Result[], options: Values<Options>, seed: number): Measurements | undefined;
  /** The report. It follows from `results.json` alone. */
  report(measurements: Measurements, options: Values<Options>, seed: number): Report;
  /** Blocks at the end of the report, whatever was measured. */
  appendix?(options: Values<Options>, seed: number): readonly Block[];
}

/** Declares a study: infers its types. */
export const declareStudy = <Options extends Declared, Data, Result, Measurements>(study: Study<Options, Data, Result, Measurements>): Study<Options, Data, Result, Measurements> => study;
