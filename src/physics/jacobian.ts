import { concat, expand, reshape, sum } from "../autograd/ops.js";
import { valueAndGrad } from "../autograd/grad.js";
import { having } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type Tensor } from "../core/tensor.js";
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

/** Most rows that are differentiated together, which bounds the memory for copies of the parameters. */
const MOST_ROWS = 256;
/** Most images of rows that are differentiated together, which bounds the memory of the tape. */
const MOST_IMAGES = 8192;

/**
 * The Jacobian O_sk = ∂ log ψ(σ_s) / ∂θ_k of `ansatz` by its `parameters`, for the rows σ_s of `spins` ±1 [rows,
 * sites]. Every row has its own copy of the parameters, so the gradient of Σ_s log ψ(σ_s) is the Jacobian. Rows are
 * treated as heads, so this works for any attention kernel. If heads share a kernel parameter, rows are differentiated
 * one by one.
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
  const { backend } = parameters.embedding.weight;
  const { sites } = ansatz.lattice;
  return backend.scope(() => {
    const parts: Jacobian[] = [];
    const step =
      (ansatz.separable ? Math.min(MOST_ROWS, Math.max(1, Math.floor(MOST_IMAGES / ansatz.images))) : 1) * sites;
    for (let start = 0; start < spins.length; start += step) {
      const tokens = ansatz.tokens(backend, spins.subarray(start, start + step));
      const [rows] = tokens.shape;
      const copies = replicate(parameters, rows);
      const derivatives = (part: "re" | "im"): Tensor =>
        backend.scope(() => {
          const { gradients } = valueAndGrad(
            (own: AnsatzParameters) => sum(ansatz.apply(own, tokens, true)[part]),
            copies,
          );
          return concat(
            tensorsIn(gradients).map((gradient) => reshape(gradient, [rows, -1])),
            1,
          );
        });
      parts.push({ re: derivatives("re"), im: derivatives("im") });
    }
    return {
      re: concat(
        parts.map(({ re }) => re),
        0,
      ),
      im: concat(
        parts.map(({ im }) => im),
        0,
      ),
    };
  });
}
