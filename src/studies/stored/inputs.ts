import type { MapInputs } from "../../analysis/head-maps.js";
import { ArgumentError, DataError } from "../../core/errors.js";
import { indices, type Indices } from "../../core/indices.js";
import { parseJson } from "../../core/json.js";
import { isRecord } from "../../core/kinds.js";
import type { Random } from "../../core/random.js";
import { formatShape, sizeOf } from "../../core/shape.js";
import type { Backend, Tensor } from "../../core/tensor.js";
import { loadTransformer, type LoadedTransformer } from "../../weights/load-transformer.js";
import type { TransformerConfig } from "../../weights/model-facts.js";
import { openWeights } from "../../weights/open.js";
import { fileSource } from "./file.js";
import { openModel } from "./open.js";
import type { Examples } from "../training/classifier.js";
import { optionalText } from "../runner/options.js";

/** What the flag `--facts` of a command sets. */
export const factsOption = optionalText({
  argument: "json",
  help: 'facts of the model that config.json lacks, such as \'{"heads": 4, "epsilon": 1e-6}\'',
});

/** What a model reads, and the answers to it. */
export interface StoredInputs {
  readonly count: number;
  /** ids [count, n], pixels [count, channels, height, width] or vectors [count, n, width] */
  readonly kind: "ids" | "pixels" | "vectors";
  readonly shape: readonly number[];
  readonly numbers: ArrayLike<number>;
  /** The tokens of each input that count. */
  readonly lengths?: readonly number[];
  /** One an input. */
  readonly labels?: Int32Array;
}

/** Names of the tensors of inputs. */
export const KINDS = ["ids", "pixels", "vectors"] as const;

/** Opens the model at `path`, with facts as JSON; those of `known` count where it has none. */
export async function openTransformer(
  backend: Backend,
  path: string,
  facts?: string,
  known: TransformerConfig = {},
): Promise<LoadedTransformer> {
  const { weights, config } = await openModel(path);
  let own: unknown = {};
  try {
    if (facts !== undefined) own = parseJson(facts);
  } catch (cause) {
    own = (cause as Error).message;
  }
  if (!isRecord(own))
    throw new ArgumentError({ where: "analyze", argument: "--facts", wanted: "a JSON object", got: String(facts) });
  return loadTransformer(backend, weights, { ...(isRecord(config) ? config : {}), ...known, ...own });
}

/**
 * Reads inputs: a file with `ids`, `pixels` or `vectors`, and with `lengths` and `labels` if there are any.
 *
 * @throws DataError for other tensors, or lengths and labels of another number.
 */
export async function readStoredInputs(path: string): Promise<StoredInputs> {
  const file = await openWeights(await fileSource(path));
  const refuse = (argument: string, wanted: string, got: string): DataError =>
    new DataError({ where: "analyze", argument, wanted, got });
  const kind = KINDS.find((name) => file.tensors.has(name));
  if (kind === undefined) throw refuse(path, "a tensor ids, pixels or vectors", [...file.tensors.keys()].join(", "));
  const { shape } = file.tensors.get(kind)!;
  const [count] = shape;
  if (shape.length !== { ids: 2, pixels: 4, vectors: 3 }[kind] || sizeOf(shape) === 0)
    throw refuse(
      kind,
      "[count, n], or [count, channels, height, width] pixels, or [count, n, width]",
      formatShape(shape),
    );
  const whole = async (name: string): Promise<Int32Array | undefined> => {
    if (!file.tensors.has(name)) return undefined;
    const values = await file.read(name);
    const own = Int32Array.from(values);
    if (values.length === count && own.every((value, at) => value === values[at] && value >= 0)) return own;
    throw refuse(name, `${count} whole numbers`, formatShape(file.tensors.get(name)!.shape));
  };
  const [lengths, labels] = [await whole("lengths"), await whole("labels")];
  return {
    count,
    kind,
    shape,
    numbers: await file.read(kind),
    ...(lengths === undefined ? {} : { lengths: Array.from(lengths) }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** Some rows of the inputs, on a backend. */
export function inputRows(
  { kind, shape, numbers, lengths }: StoredInputs,
  rows: readonly number[],
  backend: Backend,
): MapInputs {
  const size = sizeOf(shape.slice(1));
  const chosen = new Float64Array(rows.length * size);
  rows.forEach((row, at) => {
    for (let place = 0; place < size; place++) chosen[at * size + place] = numbers[row * size + place];
  });
  const extents = [rows.length, ...shape.slice(1)];
  const input: Indices | Tensor = kind === "ids" ? indices(chosen, extents) : backend.tensor(chosen, extents);
  return { input, ...(lengths === undefined ? {} : { lengths: rows.map((row) => lengths[row]) }) };
}

/**
 * Examples to train and to test on, drawn without return; both shrink where there are fewer.
 *
 * @throws DataError for inputs without labels, with lengths, or fewer than two.
 */
export function splitInputs(
  stored: StoredInputs,
  stream: Random,
  sizes: { readonly train: number; readonly test: number },
): { readonly examples: (backend: Backend) => { train: Examples; test: Examples }; readonly content: unknown } {
  const { count, labels, lengths } = stored;
  if (labels === undefined || lengths !== undefined || count < 2) {
    throw new DataError({
      where: "study transplant",
      argument: "--inputs",
      wanted: "at least two inputs with labels, all of one length",
      got: labels === undefined ? "no labels" : lengths !== undefined ? "lengths" : String(count),
    });
  }
  const order = stream.shuffle(Array.from({ length: count }, (_, row) => row));
  const test = Math.max(1, Math.min(sizes.test, Math.floor((count * sizes.test) / (sizes.train + sizes.test))));
  const part = (rows: readonly number[], backend: Backend): Examples => ({
    labels: Int32Array.from(rows, (row) => labels[row]),
    inputs: (chosen) =>
      inputRows(
        stored,
        chosen.map((at) => rows[at]),
        backend,
      ).input,
  });
  return {
    examples: (backend) => ({
      test: part(order.slice(0, test), backend),
      train: part(order.slice(test, test + sizes.train), backend),
    }),
    content: { stored, order },
  };
}
