import { add, multiply } from "../autograd/arithmetic.js";
import { expand, reshape } from "../autograd/broadcast.js";
import { apply } from "../autograd/tape.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { formatShape, sameShape } from "../core/shape.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import type { AttentionInputs, AttentionKernel, HeadSizes, TiledKernel } from "./kernel.js";
import { attentionExtents, attentionPrimitive } from "./primitives.js";

/**
 * Attention with any kernel: out_i = Σ_j w_ij v_j / z_i, w_ij = φ(s(q_i, k_j)), z_i the row sum for a row-normalised kernel, else 1.
 *
 * Shapes: q [batch, heads, n, d], k [batch, kvHeads, m, d], v [batch, kvHeads, m, dv] gives [batch, heads, n, dv]. What the kernel
 * learns is passed beside them as a tensor of shape [] or [heads] and gets a gradient. Memory is linear in n and m on a GPU, where
 * gradients are bitwise repeatable. Throws a `ShapeError` for shapes that do not fit, and an `ArgumentError` for an unknown
 * input, a disposed tensor or tensors of two backends.
 */
export function attention(kernel: AttentionKernel, inputs: AttentionInputs): Tensor {
  const sizes = attentionExtents(inputs.q.shape, inputs.k.shape, inputs.v.shape);
  checkInputs(kernel, inputs, sizes);
  if ("compose" in kernel) return kernel.compose(inputs);
  const { q, k, v } = kernel.prepare?.(inputs) ?? inputs;
  return apply(attentionPrimitive, [q, k, v, packParameters(kernel, inputs, sizes)], { kernel })[0];
}

/** The kernel's inputs and those of its parameters that are not fixed, by name. */
function namesOf(kernel: AttentionKernel): string[] {
  const parameters = "parameters" in kernel ? kernel.parameters.filter(({ fixed }) => !fixed) : [];
  return ["q", "k", "v", ...(kernel.inputs ?? []).map(({ name }) => name), ...parameters.map(({ name }) => name)];
}

function checkInputs(kernel: AttentionKernel, inputs: AttentionInputs, sizes: HeadSizes): void {
  const known = namesOf(kernel);
  const required = (kernel.inputs ?? []).filter(({ optional }) => !optional).map(({ name }) => name);
  for (const name of new Set([...required, ...Object.keys(inputs)])) {
    if (known.includes(name) && isTensor(inputs[name])) continue;
    throw new ArgumentError({
      where: "attention",
      argument: name,
      wanted: known.includes(name) ? "a tensor" : `one of the inputs of ${kernel.name} (${known.join(", ")})`,
      got: isTensor(inputs[name]) ? "another tensor" : typeof inputs[name],
    });
  }
  for (const { name, shape } of kernel.inputs ?? []) {
    if (inputs[name] === undefined || sameShape(inputs[name].shape, shape(sizes))) continue;
    throw new ShapeError({ where: "attention", argument: name, wanted: formatShape(shape(sizes)), got: formatShape(inputs[name].shape) });
  }
}

/** The kernel's parameters as one tensor [heads, count]; differentiable. */
function packParameters(kernel: TiledKernel, inputs: AttentionInputs, sizes: HeadSizes): Tensor {
  const { backend } = inputs.q;
  const { heads } = sizes;
  const count = Math.max(1, kernel.parameters.length);
  const columns = kernel.parameters.map(({ name, initial }) => {
    const learned = inputs[name];
    if (learned === undefined) return backend.full(initial(sizes), [heads, 1]);
    if (learned.size !== 1 && (learned.shape.length !== 1 || learned.size !== heads)) {
      throw new ShapeError({
        where: "attention",
        argument: name,
        wanted: `one number, or one for each of ${heads} heads`,
        got: formatShape(learned.shape),
      });
    }
    return reshape(expand(reshape(learned, [learned.size]), [heads]), [heads, 1]);
  });
  if (columns.length === 0) return backend.full(0, [heads, 1]);
  if (columns.length === 1) return columns[0];
  return columns
    .map((column, index) => multiply(column, backend.tensor(oneAt(index, count), [1, count])))
    .reduce((packed, column) => add(packed, column));
}

function oneAt(index: number, count: number): number[] {
  return Array.from({ length: count }, (_, position) => (position === index ? 1 : 0));
}
