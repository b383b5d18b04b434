import { having, listOf } from "../../core/kinds.js";
import { checkArguments } from "../../core/options.js";
import { findingsIn, type Finding, type WarningName } from "./findings.js";
import type { TrainingRecord } from "./records.js";

/** A fault of a training, where it is, and since when. Layers and heads count from 0 here, from 1 in the text. */
export interface TrainingWarning {
  readonly name: WarningName;
  readonly layer?: number;
  readonly head?: number;
  /** The path of a tensor of parameters. */
  readonly weight?: string;
  /** The first step of an unbroken row of records that show the fault, and the last. */
  readonly since: number;
  readonly until: number;
  /** The measure, and the threshold that it passed, at `until`. */
  readonly value: number;
  readonly threshold: number;
  /** What is wrong, where and since when, as a sentence. */
  readonly text: string;
  /** What to do. */
  readonly advice: string;
}

export const recordsKind = listOf(having<TrainingRecord>("a record of a training", ["step", "layers", "weights"]));

/** Records in a row that must show a fault, for one could be chance. */
const PATIENCE = 2;
/** Faults that one record shows for certain. */
const CERTAIN: readonly WarningName[] = ["notFinite", "rateTooLarge"];

interface Streak {
  readonly finding: Finding;
  readonly since: number;
  readonly until: number;
  readonly count: number;
}

const keyOf = ({ name, layer, head, weight }: Finding): string => JSON.stringify([name, layer, head, weight]);

function warningOf({ finding, since, until }: Streak): TrainingWarning {
  const { said, ...rest } = finding;
  return { ...rest, since, until, text: said(until > since ? ` since step ${since}` : ` at step ${since}`) };
}

/**
 * The faults that records show, in the order in which they began. A fault is reported if two records in a row show it;
 * NaN, infinity and a learning rate that is too large at once.
 *
 * A pure function of the records, so that stored ones give the same warnings.
 *
 * @param records of one training, in the order of their steps
 */
export function trainingWarnings(records: readonly TrainingRecord[]): TrainingWarning[] {
  checkArguments("trainingWarnings", { records }, { records: recordsKind });
  const ended: Streak[] = [];
  let open = new Map<string, Streak>();
  for (const [at, record] of records.entries()) {
    const next = new Map<string, Streak>();
    for (const finding of findingsIn(record, records[at - 1])) {
      const key = keyOf(finding);
      const before = open.get(key);
      open.delete(key);
      const { step } = record;
      next.set(
        key,
        before === undefined
          ? { finding, since: step, until: step, count: 1 }
          : { finding, since: before.since, until: step, count: before.count + 1 },
      );
    }
    ended.push(...open.values());
    open = next;
  }
  return [...ended, ...open.values()]
    .filter(({ count, finding }) => count >= PATIENCE || CERTAIN.includes(finding.name))
    .sort((one, other) => one.since - other.since)
    .map(warningOf);
}
