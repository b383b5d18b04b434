import type { Backend } from "../../core/tensor.js";
import type { Block, Report } from "../report/report.js";
import type { StudyEvent } from "./events.js";
import type { Chosen, Declared, Preset, Values } from "./options.js";
import type { Kept } from "./tasks.js";

/** What a running task may use. */
export interface Work<State = unknown, Result = unknown> extends Kept<State> {
  readonly backend: Backend;
  /** Reports the result so far, which is kept if the study is stopped. */
  measured(result: Result): Promise<void>;
  report(event: StudyEvent): void;
  /** Handles pending events, such as Ctrl-C. If the study was told to stop, calls `atStop` and throws `Interrupted`. */
  checkpoint(atStop?: () => Promise<void>): Promise<void>;
}

/** One run of a study. It can run alone or in another process, and can be resumed. */
export interface Task<Data, Result, State = unknown> {
  /** Unique within the study: words with spaces between, such as "gaussian seed 3". */
  readonly name: string;
  /** Heading of the progress display. */
  readonly stage?: string;
  /** Names of earlier tasks whose results this task takes. They run even if only this task is chosen. */
  readonly needs?: readonly string[];
  /**
   * Everything that decides the result apart from the study, the device and the versions; or a promise of it. `needed`
   * are the results of the tasks in `needs`.
   */
  depends(data: Data, needed: readonly Result[]): unknown;
  /** The result must be JSON. */
  run(data: Data, work: Work<State, Result>, needed: readonly Result[]): Promise<Result>;
}

/**
 * Declaration of one experiment. Command line, help, shards, merging, validation of stored results and reports follow
 * from it.
 */
export interface Study<Options extends Declared = Declared, Data = unknown, Result = unknown, Measurements = unknown> {
  readonly name: string;
  /** For the help. */
  readonly question: string;
  /** Title of the report. */
  readonly title: string;
  /** The command it belongs to. Default "study". */
  readonly group?: "analyze";
  /** The positional argument of the command: an option, and its help. */
  readonly argument?: { readonly option: keyof Options & string; readonly help: string };
  /** The only backend, for a study that needs float64. */
  readonly backend?: "cpu";
  /** What the seed draws, for the help. */
  readonly seedOf?: string;
  readonly options: Options;
  /** Flags that set several options; flags of single options take precedence. */
  readonly presets?: Readonly<Record<string, Preset<Options>>>;
  /** Defaults that depend on the chosen options. */
  derive?(chosen: Chosen<Options>): Chosen<Options>;
  /** @throws ArgumentError for options that do not fit together. */
  check?(options: Values<Options>): void;
  /** Least bytes of memory that the study needs. */
  bytes?(options: Values<Options>): number;
  /** Data that the tasks share. Read once, and only if a task is chosen. */
  data?(options: Values<Options>, seed: number, report: (event: StudyEvent) => void): Promise<Data>;
  /** All runs, in order. Their names are known before any work is done. */
  tasks(options: Values<Options>, seed: number): readonly Task<Data, Result>[] | Promise<readonly Task<Data, Result>[]>;
  /**
   * The measurements in `results.json`, from finished tasks in order; the last task may be a stopped one. Undefined if
   * there is nothing to report yet.
   */
  gather(done: readonly Result[], options: Values<Options>, seed: number): Measurements | undefined;
  /** The report, from `results.json` alone. */
  report(measurements: Measurements, options: Values<Options>, seed: number): Report;
  /** Blocks at the end of the report, whatever was measured. */
  appendix?(options: Values<Options>, seed: number): readonly Block[];
}

/** Declares a study and infers its types. */
export const declareStudy = <Options extends Declared, Data, Result, Measurements>(
  study: Study<Options, Data, Result, Measurements>,
): Study<Options, Data, Result, Measurements> => study;
