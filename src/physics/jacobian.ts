import { add, concat, expand, reshape } from "../autograd/ops.js";
import { keeping, recording, Tape } from "../autograd/tape.js";
import { having } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { isTensor } from "../core/is-tensor.js";
import { countParameters, tensorsIn, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { ansatzKind, ansatzParameters, type Ansatz } from "./ansatz.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import { spinsKind } from "./sector.js";

/**
 * A copy of every parameter for each row. Vectors [d] become [rows, 1, d], matrices [rows, ·, ·], and kernel
 * parameters [heads, ...] become [rows · heads, ...].
 */
function replicate(parameters: AnsatzParameters, rows: number): AnsatzParameters {
  return mapTree(parameters, isTensor, (tensor, path) => {
    const { shape } = tensor;
    const copies = expand(reshape(tensor, [1, ...shape]), [rows, ...shape]);
    if (path.includes("learned")) return reshape(copies, [rows * shape[0], ...shape.slice(1)]);
    return shape.length === 1 ? reshape(copies, [rows, 1, ...shape]) : copies;
  }) as AnsatzParameters;
}

/** The derivatives of log ψ of every row by every parameter, [rows, P], in the order of `leaves`. */
export interface Jacobian {
  readonly re: Tensor;
  readonly im: Tensor;
}

export const jacobianKind = having<Jacobian>("derivatives, as jacobian() gives", ["re", "im"]);

/** Most rows that are differentiated together. */
const MOST_ROWS = 256;
/** Most images of rows that are differentiated together, which bounds the memory of the tape. */
const MOST_IMAGES = 8192;
/** Most derivatives of a block, which bounds the memory of the copies of the parameters. */
const MOST_DERIVATIVES = 2 ** 24;

/** Both parts for all rows of `tokens`, from one forward pass. */
function block(ansatz: Ansatz, parameters: AnsatzParameters, tokens: Tensor): Jacobian {
  const { backend } = tokens;
  const [rows] = tokens.shape;
  return backend.scope(() => {
    const copies = replicate(parameters, rows);
    const leaves = tensorsIn(copies);
    const tape = new Tape(leaves);
    const { re, im } = recording(tape, () => ansatz.apply(copies, tokens, true));
    const derivatives = (part: Tensor): Tensor => {
      const cotangents = tape.pull(part, backend.full(1, part.shape), add);
      const gradients = leaves.map((leaf) => cotangents.get(leaf) ?? backend.full(0, leaf.shape));
      return concat(
        gradients.map((gradient) => reshape(gradient, [rows, -1])),
        1,
      );
    };
    return { re: recording(keeping, () => backend.scope(() => derivatives(re))), im: derivatives(im) };
  });
}

/** The rows of `spins` in consecutive blocks that are differentiated together. */
export function blocksOf(ansatz: Ansatz, parameters: AnsatzParameters, spins: Int8Array): Int8Array[] {
  const most = Math.min(MOST_ROWS, MOST_IMAGES / ansatz.images, MOST_DERIVATIVES / countParameters(parameters));
  const step = (ansatz.separable ? Math.max(1, Math.floor(most)) : 1) * ansatz.lattice.sites;
  return Array.from({ length: Math.ceil(spins.length / step) }, (_, at) => spins.subarray(at * step, (at + 1) * step));
}

/** The Jacobian for consecutive blocks of the rows of `spins`, [rows of the block, P] each. */
export function jacobianBlocks(ansatz: Ansatz, parameters: AnsatzParameters, spins: Int8Array): Jacobian[] {
  const { backend } = parameters.embedding.weight;
  return blocksOf(ansatz, parameters, spins).map((part) =>
    backend.scope(() => block(ansatz, parameters, ansatz.tokens(backend, part))),
  );
}

/**
 * The Jacobian O_sk = ∂ log ψ(σ_s) / ∂θ_k of `ansatz` by its `parameters`, for the rows σ_s of `spins` ±1
 * [rows, sites]. Every row has its own copy of the parameters, so the gradient of Σ_s log ψ(σ_s) is the Jacobian.
 * Rows are treated as heads, so this works for any attention kernel. If heads share a kernel parameter, rows are
 * differentiated one by one.
 *
 * @example
 * const { re, im } = jacobian(model, parameters, spins); // [rows, P] each
 */
export function jacobian(ansatz: Ansatz, parameters: AnsatzParameters, spins: Int8Array): Jacobian {
  checkArguments(
    "jacobian",
    { ansatz, parameters, spins },
    { ansatz: ansatzKind, parameters: ansatzParameters, spins: spinsKind },
  );
  return parameters.embedding.weight.backend.scope(() => {
    const blocks = jacobianBlocks(ansatz, parameters, spins);
    const joined = (parts: readonly Tensor[]): Tensor => concat(parts, 0);
    return { re: joined(blocks.map(({ re }) => re)), im: joined(blocks.map(({ im }) => im)) };
  });
}
