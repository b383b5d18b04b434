import { freezeHeads, headMaps, paddedCall, type HeadMaps } from "../../analysis/head-maps.js";
import { crossEntropy } from "../../autograd/ops.js";
import { UnsupportedError } from "../../core/errors.js";
import { indices } from "../../core/indices.js";
import type { LoadedTransformer } from "../../weights/load-transformer.js";
import type { Work } from "../runner/study.js";
import { inputRows, type StoredInputs } from "../stored/inputs.js";

/** Answers of a model with some heads frozen. */
export interface Answers {
  readonly loss: number;
  /** Answers that are the label, or without labels those of the model as it is. */
  readonly correct: number;
}

/** A model and its inputs, as every task measures them. */
interface Basis {
  readonly file: string;
  readonly family: string;
  readonly count: number;
  /** Whether labels were given; else the model's own answers count. */
  readonly hasLabels: boolean;
  readonly by: HeadMaps["by"];
  /** ρ by layer and head. */
  readonly dependence: readonly (readonly number[])[];
  readonly plain: Answers;
}

/** Heads frozen one by one, and layer by layer. */
interface Single {
  /** One head frozen, by layer and head. */
  readonly single: readonly (readonly Answers[])[];
  /** All heads of one layer frozen. */
  readonly layers: readonly Answers[];
}

/** Heads frozen one after the other. */
interface Ordered {
  /** The first k heads frozen, k from 0, in rising order of ρ and in falling order. */
  readonly rising: readonly Answers[];
  readonly falling: readonly Answers[];
}

/** What a task found, and what the study found for a model and inputs. */
export type RelevancePart = Basis & (Single | Ordered);
export type RelevanceResult = Basis & Single & Ordered;

/** The parts of the measurement, each a task. */
export const parts = ["head by head", "in order of dependence"] as const;
export type Part = (typeof parts)[number];

/** What all parts found together. */
export const joinParts = (found: readonly RelevancePart[]): RelevanceResult =>
  Object.assign({}, ...found) as RelevanceResult;

/** Inputs in one forward pass. */
const AT_ONCE = 32;

const largest = (row: ArrayLike<number>): number =>
  Array.from(row).reduce((best, value, at) => (value > row[best] ? at : best), 0);

/** The answers of the model for all inputs, against labels or, without, the model's own. */
async function answer(
  model: LoadedTransformer,
  inputs: StoredInputs,
  labels: Int32Array | undefined,
  work: Work,
  frozen?: { readonly maps: HeadMaps; readonly isFrozen: (layer: number, head: number) => boolean },
): Promise<Answers & { readonly answers: Int32Array }> {
  const answers = new Int32Array(inputs.count);
  let [loss, correct] = [0, 0];
  for (let start = 0; start < inputs.count; start += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, inputs.count - start) }, (_, at) => start + at);
    const wanted = labels && indices(rows.map((row) => labels[row]));
    const [logits, cost] = work.backend.scope(() => {
      const own = inputRows(inputs, rows, work.backend);
      const output = model.apply(model.parameters, own.input, {
        ...paddedCall(own),
        ...(frozen === undefined ? {} : { replaceHeads: freezeHeads(frozen.maps, frozen.isFrozen, own.lengths) }),
      });
      return [
        output,
        wanted === undefined || output.shape.length > 2 ? undefined : crossEntropy(output, wanted),
      ] as const;
    });
    if (logits.shape.length !== 2) {
      throw new UnsupportedError({
        where: "analyze relevance",
        argument: "model",
        wanted: "a model that classifies its inputs",
        got: model.head ?? "one that gives tokens",
      });
    }
    const values = await logits.read();
    const classes = logits.shape[1];
    rows.forEach((row, at) => {
      answers[row] = largest(values.subarray(at * classes, (at + 1) * classes));
      if (labels !== undefined && answers[row] === labels[row]) correct++;
    });
    logits.dispose();
    if (cost !== undefined) loss += (await cost.read().finally(() => cost.dispose()))[0] * rows.length;
    await work.checkpoint();
  }
  return { loss: loss / inputs.count, correct, answers };
}

/** Measures ρ of every head, and answers with heads frozen: one by one and by layer, or in the order of ρ. */
export async function measureRelevance(
  file: string,
  model: LoadedTransformer,
  inputs: StoredInputs,
  part: Part,
  work: Work,
): Promise<RelevancePart> {
  const starts = Array.from({ length: Math.ceil(inputs.count / AT_ONCE) }, (_, at) => at * AT_ONCE);
  const batches = starts.map((start) =>
    Array.from({ length: Math.min(AT_ONCE, inputs.count - start) }, (_, at) => start + at),
  );
  const maps = await headMaps(
    model,
    model.parameters,
    batches.map((rows) => inputRows(inputs, rows, work.backend)),
  );
  const dependence = maps.layers.map((heads) => heads.map((head) => head.dependence));
  const labels = inputs.labels ?? (await answer(model, inputs, undefined, work)).answers;
  const heads = dependence.flatMap((row, layer) => row.map((rho, head) => ({ layer, head, rho })));
  const isSingle = part === "head by head";
  const total = 1 + heads.length + (isSingle ? maps.layers.length : heads.length);
  let done = 0;
  const measured = async (isFrozen: (layer: number, head: number) => boolean): Promise<Answers> => {
    const { loss, correct } = await answer(model, inputs, labels, work, { maps, isFrozen });
    work.report({ kind: "progress", label: part, done: ++done, total });
    return { loss, correct };
  };
  const plain = await measured(() => false);
  const basis = {
    file,
    family: model.family,
    count: inputs.count,
    hasLabels: inputs.labels !== undefined,
    by: maps.by,
    dependence,
    plain,
  };
  if (isSingle) {
    const single: Answers[][] = maps.layers.map(() => []);
    for (const { layer, head } of heads) single[layer].push(await measured((at, own) => at === layer && own === head));
    const layers: Answers[] = [];
    for (const layer of maps.layers.keys()) layers.push(await measured((at) => at === layer));
    return { ...basis, single, layers };
  }
  const along = async (order: typeof heads): Promise<Answers[]> => {
    const answers = [plain];
    for (const [last] of order.entries()) {
      const first = order.slice(0, last + 1);
      answers.push(await measured((at, own) => first.some(({ layer, head }) => layer === at && head === own)));
    }
    return answers;
  };
  const rising = [...heads].sort((a, b) => a.rho - b.rho);
  return { ...basis, rising: await along(rising), falling: await along([...rising].reverse()) };
}
