import { ArgumentError, ShapeError } from "../core/errors.js";
import { record, tensor as tensorKind, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, needed } from "../core/options.js";
import { formatShape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { DescentProblem, NestedWeights } from "./descend.js";
import { weightNames } from "./problem.js";

/** The tensors of a single layer and its data. */
export interface LayerTensors {
  /** [N, n, D] */
  readonly inputs: Tensor;
  /** [N, n, d_o] */
  readonly targets: Tensor;
  /** Of `singleLayer`: [H, rows, columns]; or of `multiHead` without biases: [rows, columns] over all heads. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** The number of heads of a `multiHead` layer. */
  readonly heads?: number;
}

const where = "readProblem";

async function nestedOf(argument: string, tensor: Tensor): Promise<number[][][]> {
  const { shape } = tensor;
  if (shape.length !== 3) {
    throw new ShapeError({ where, argument, wanted: "three dimensions", got: formatShape(shape) });
  }
  const [count, rows, columns] = shape;
  const numbers = Array.from(await tensor.read());
  return Array.from({ length: count }, (_, matrix) =>
    Array.from({ length: rows }, (_row, row) => {
      const start = (matrix * rows + row) * columns;
      return numbers.slice(start, start + columns);
    }),
  );
}

/** The columns of each head; for W^O, whose heads lie one below the other, its rows. */
async function headsOf(argument: string, tensor: Tensor, heads: number, name: string): Promise<number[][][]> {
  const { shape } = tensor;
  const [rows, columns] = shape;
  const divided = name === "output" ? rows : columns;
  if (shape.length !== 2 || divided % heads !== 0) {
    const wanted = `two dimensions whose ${name === "output" ? "rows" : "columns"} ${heads} heads divide`;
    throw new ShapeError({ where, argument, wanted, got: formatShape(shape) });
  }
  const numbers = Array.from(await tensor.read());
  const all = Array.from({ length: rows }, (_, row) => numbers.slice(row * columns, (row + 1) * columns));
  const size = divided / heads;
  return Array.from({ length: heads }, (_, head) =>
    name === "output"
      ? all.slice(head * size, (head + 1) * size)
      : all.map((row) => row.slice(head * size, (head + 1) * size)),
  );
}

/**
 * Reads a layer's tensors into the nested arrays that `checkConvergence` and every other function of the theory take.
 *
 * `checkConvergence` is synchronous, and a tensor can only be read asynchronously: hence this step between them. The
 * theory's model is `Σ_h S_ih X_i W^V_h W^O_h`: a layer with biases, with fewer heads of keys and values, with one
 * projection for queries and keys, or with further parameters is refused.
 *
 * Throws `ArgumentError` for such a layer, `ShapeError` where shapes do not fit together.
 *
 * @param tensors inputs, targets and parameters, on either backend
 * @example
 * const problem = await readProblem({ inputs: x, targets: y, parameters, heads: 4 }); // of multiHead
 * const { certificate } = checkConvergence(problem, { kernel: gaussian(), trainable: ["query"] });
 */
export async function readProblem(tensors: LayerTensors): Promise<DescentProblem> {
  const { inputs, targets, parameters, heads } = checkOptions(where, tensors, {
    inputs: needed(tensorKind),
    targets: needed(tensorKind),
    parameters: needed(record),
    heads: whole(1),
  });
  const names = Object.keys(parameters);
  const stranger = names.find((name) => !(weightNames as readonly string[]).includes(name));
  const missing = weightNames.find((name) => !names.includes(name));
  if (stranger !== undefined || missing !== undefined) {
    throw new ArgumentError({
      where,
      argument: "parameters",
      wanted: `${weightNames.join(", ")} alone, as the theory's model has`,
      got: stranger === undefined ? `no ${missing}` : stranger,
    });
  }
  const own = parameters as Readonly<Record<(typeof weightNames)[number], Tensor>>;
  checkArguments(where, own, { query: tensorKind, key: tensorKind, value: tensorKind, output: tensorKind });
  const single = own.query.shape.length === 3;
  if (single !== (heads === undefined)) {
    throw new ArgumentError({
      where,
      argument: "heads",
      wanted: single ? "nothing, as the tensors of singleLayer have their heads" : "the heads of the multiHead layer",
      got: String(heads),
    });
  }
  const matrices = async (name: (typeof weightNames)[number]): Promise<number[][][]> => {
    const argument = `parameters.${name}`;
    return heads === undefined ? nestedOf(argument, own[name]) : headsOf(argument, own[name], heads, name);
  };
  const weights: NestedWeights = {
    query: await matrices("query"),
    key: await matrices("key"),
    value: await matrices("value"),
    output: await matrices("output"),
  };
  if (heads !== undefined && weights.key[0][0].length !== weights.query[0][0].length) {
    throw new ArgumentError({
      where,
      argument: "parameters.key",
      wanted: "as many heads of keys and values as of queries",
      got: `${weights.key[0][0].length} columns a head where the queries have ${weights.query[0][0].length}`,
    });
  }
  return { inputs: await nestedOf("inputs", inputs), targets: await nestedOf("targets", targets), weights };
}
