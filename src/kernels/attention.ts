import { where } from "../autograd/arithmetic.js";
import { expand, reshape } from "../autograd/broadcast.js";
import { cast } from "../autograd/cast.js";
import { concat } from "../autograd/slices.js";
import { apply } from "../autograd/tape.js";
import { commonBackend } from "../core/checks.js";
import { ArgumentError, ShapeError, UnsupportedError } from "../core/errors.js";
import { tensor } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape, sameShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { addBiases, biasLayout, biasTensor, denseBias, type Bias } from "./bias.js";
import { repeatHeads } from "./heads.js";
import { finitePart, lostOfRows, tainted } from "./hidden.js";
import type {
  AttentionInputs,
  AttentionKernel,
  AttentionOptions,
  HeadSizes,
  KernelSurroundings,
  TiledKernel,
} from "./kernel.js";
import { attentionInputs, attentionKernel, attentionOptions, tiledKernel } from "./options.js";
import { applyAttention, attentionExtents, hasFewPairs, HIDDEN_BIAS, recenterPrimitive } from "./primitives.js";
import { resolveMask, type ResolvedMask } from "./resolve-mask.js";

/**
 * Attention with any kernel: out_i = Σ_j w_ij v_j / z_i, w_ij = φ(s(q_i, k_j)), z_i the row sum for a row-normalised
 * kernel, else 1.
 *
 * Shapes of `inputs`: q [batch, heads, n, d], k [batch, kvHeads, m, d], v [batch, kvHeads, m, dv] gives [batch, heads,
 * n, dv]. What the kernel learns is passed beside them as a tensor of shape [] or [heads] and gets a gradient. A query
 * that sees no key gets zeros, and zero gradients. Memory is linear in n and m on a GPU, where gradients are bitwise
 * repeatable. Throws a `ShapeError` for shapes that do not fit, an `ArgumentError` for an unknown input, a disposed
 * tensor or tensors of two backends, and an `UnsupportedError` for an option that has no meaning for the kernel.
 *
 * q, k and v may be float16 on a GPU: output and their gradients then are float16 too (beyond 65504 they overflow),
 * while every sum, the statistic, and what the kernel learns stay float32. Kernels that are compositions of other
 * operations take float32 alone.
 *
 * @example
 * const out = attention(gaussian({ gamma: 0.5 }), { q, k, v }, { mask: causal() });
 */
export function attention(kernel: AttentionKernel, inputs: AttentionInputs, options: AttentionOptions = {}): Tensor {
  checkArguments("attention", { kernel, inputs }, { kernel: attentionKernel, inputs: attentionInputs });
  checkCall("attention", inputs, options);
  if ("compose" in kernel) {
    checkInputs(kernel, inputs, attentionExtents(inputs.q.shape, inputs.k.shape, inputs.v.shape));
    const half = Object.entries(inputs).find(([, { dtype }]) => dtype === "f16");
    if (half !== undefined) throw notInHalf(half[0], `float32, which is all that ${kernel.name} has`);
    const allowed: readonly string[] = kernel.options ?? [];
    const given = Object.entries(options).find(([name, value]) => value !== undefined && !allowed.includes(name));
    if (given === undefined) return kernel.compose(inputs, options);
    throw new UnsupportedError({
      where: "attention",
      argument: given[0],
      wanted: `a kernel with scores of its own for every pair`,
      got: kernel.name,
      fix: "Leave the option out, or take another kernel.",
    });
  }
  return run(kernel, inputs, options).output;
}

/**
 * As `attention(kernel, inputs)`, and also returns one number per row [batch, heads, n]: the log-sum-exp of the scores
 * for the softmax normaliser, else the divisor of the weights. It has no gradient: a loss that depends on it throws an
 * `UnsupportedError`.
 *
 * @example
 * const { output, statistic } = attentionWithStatistic(softmax(), { q, k, v });
 */
export function attentionWithStatistic(
  kernel: TiledKernel,
  inputs: AttentionInputs,
  options: AttentionOptions = {},
): { output: Tensor; statistic: Tensor } {
  checkArguments("attentionWithStatistic", { kernel, inputs }, { kernel: tiledKernel, inputs: attentionInputs });
  checkCall("attentionWithStatistic", inputs, options);
  return run(kernel, inputs, options);
}

/** Throws unless q, k, v are tensors, all tensors are on one backend, and the options are known. */
function checkCall(where: string, inputs: AttentionInputs, options: AttentionOptions): void {
  const { q, k, v } = inputs;
  checkArguments(where, { q, k, v }, { q: tensor, k: tensor, v: tensor });
  const { bias } = checkOptions(where, options, attentionOptions);
  commonBackend(where, [...Object.values(inputs).filter(isTensor), ...(bias === undefined ? [] : [biasTensor(bias)])]);
}

function run(
  kernel: TiledKernel,
  inputs: AttentionInputs,
  { mask, bias, softcap }: AttentionOptions,
): { output: Tensor; statistic: Tensor } {
  const sizes = attentionExtents(inputs.q.shape, inputs.k.shape, inputs.v.shape);
  checkInputs(kernel, inputs, sizes);
  checkDTypes(inputs, bias);
  const { band, lengths, spans, dense } = resolveMask(mask, sizes, bias !== undefined || kernel.bias !== undefined);
  const affordsBias = lengths === undefined && hasFewPairs(sizes);
  const surroundings = { softcap, affordsBias, isMasked: mask !== undefined || bias !== undefined };
  if (bias !== undefined) biasLayout(bias, sizes);
  const added = addBiases(bias, kernel.bias?.(inputs, surroundings), sizes);
  const biases = dense === undefined ? added : hide(inputs.q.backend, dense, added && denseBias(added, sizes));
  const { q, k, v } = prepare(kernel, inputs, surroundings);
  return applyAttention(
    { q, k, v, parameters: packParameters(kernel, inputs, sizes), bias: biases && biasTensor(biases) },
    {
      kernel,
      band,
      lengths,
      spans,
      softcap: softcap === undefined ? 0 : softcap,
      bias: biases && biasLayout(biases, sizes),
    },
  );
}

/** q, k and v as the passes take them, in their dtype. Changes by the kernel are computed in float32. */
function prepare(
  kernel: TiledKernel,
  inputs: AttentionInputs,
  surroundings: KernelSurroundings,
): Pick<AttentionInputs, "q" | "k" | "v"> {
  const { dtype } = inputs.q;
  const isMoved = kernel.ofDifferences === true && dtype !== "f64"; // float64 takes differences
  if (!isMoved && kernel.prepare === undefined) return inputs;
  const [q, k, v] = [inputs.q, inputs.k, inputs.v].map((x) => (dtype === "f16" ? cast(x, "f32") : x));
  const exact = dtype === "f16" && kernel.prepare === undefined; // nothing else rounds them to float16 again
  const [movedQ, movedK] = isMoved ? apply(recenterPrimitive, [q, k], { exact }) : [q, k];
  const wide = { ...inputs, q: movedQ, k: movedK, v };
  const prepared = kernel.prepare === undefined ? wide : changed(kernel.prepare, wide, surroundings);
  if (dtype !== "f16") return prepared;
  return { q: cast(prepared.q, "f16"), k: cast(prepared.k, "f16"), v: cast(prepared.v, "f16") };
}

/** Applies the kernel's `prepare`. Non-finite rows that are hidden are left out, so that no gradient sums over them. */
function changed(
  change: NonNullable<TiledKernel["prepare"]>,
  inputs: AttentionInputs,
  surroundings: KernelSurroundings,
): Pick<AttentionInputs, "q" | "k" | "v"> {
  if (!surroundings.isMasked) return change(inputs, surroundings);
  const { q, k, v } = change({ ...inputs, q: finitePart(inputs.q), k: finitePart(inputs.k) }, surroundings);
  return { q: tainted(q, lostOfRows(inputs.q)), k: tainted(k, repeatHeads(lostOfRows(inputs.k), k.shape[1])), v };
}

/** A large negative bias for hidden pairs; other pairs keep the given bias, if there is one. */
function hide(backend: Backend, { seen, shape }: NonNullable<ResolvedMask["dense"]>, bias: Tensor | undefined): Tensor {
  if (bias !== undefined) return where(backend.tensor(seen, shape), bias, HIDDEN_BIAS);
  return backend.tensor(
    Float32Array.from(seen, (value) => (value === 0 ? HIDDEN_BIAS : 0)),
    shape,
  );
}

/** The kernel's inputs and its parameters, by name. */
function namesOf(kernel: AttentionKernel): string[] {
  const parameters = "parameters" in kernel ? kernel.parameters : [];
  return ["q", "k", "v", ...(kernel.inputs ?? []).map(({ name }) => name), ...parameters.map(({ name }) => name)];
}

function checkInputs(kernel: AttentionKernel, inputs: AttentionInputs, sizes: HeadSizes): void {
  const known = namesOf(kernel);
  const required = (kernel.inputs ?? []).map(({ name }) => name);
  for (const name of new Set([...required, ...Object.keys(inputs)])) {
    if (known.includes(name) && isTensor(inputs[name])) continue;
    throw new ArgumentError({
      where: "attention",
      argument: name,
      wanted: known.includes(name) ? "a tensor" : `one of the inputs of ${kernel.name} (${known.join(", ")})`,
      got: isTensor(inputs[name]) ? "another tensor" : typeof inputs[name],
    });
  }
  // also those that the kernel does not look at
  commonBackend("attention", Object.values(inputs));
  for (const tensor of Object.values(inputs)) tensor.memory("attention");
  const { widthMultiple = 1 } = kernel;
  if (sizes.dim % widthMultiple !== 0) {
    throw new ShapeError({
      where: "attention",
      argument: "q",
      wanted: `a width d that is a multiple of ${widthMultiple}`,
      got: String(sizes.dim),
    });
  }
  for (const { name, shape } of kernel.inputs ?? []) {
    if (sameShape(inputs[name].shape, shape(sizes))) continue;
    throw new ShapeError({
      where: "attention",
      argument: name,
      wanted: formatShape(shape(sizes)),
      got: formatShape(inputs[name].shape),
    });
  }
}

function notInHalf(argument: string, wanted: string): UnsupportedError {
  return new UnsupportedError({
    where: "attention",
    argument,
    wanted,
    got: "float16",
    fix: `Cast it: ops.cast(${argument}, "f32").`,
  });
}

/** Queries, keys and values have one dtype; float16 is for them alone. */
function checkDTypes(inputs: AttentionInputs, bias: Bias | undefined): void {
  const { dtype } = inputs.q;
  const all = [...Object.entries(inputs), ...(bias === undefined ? [] : [["bias", biasTensor(bias)] as const])];
  for (const [name, tensor] of all) {
    if (!["q", "k", "v"].includes(name)) {
      if (tensor.dtype === "f16") throw notInHalf(name, "float32, for all but q, k and v");
    } else if (tensor.dtype !== dtype) {
      throw new ArgumentError({
        where: "attention",
        argument: name,
        wanted: `${dtype}, as q`,
        got: tensor.dtype,
        fix: `Cast one of them: ops.cast(${name}, "${dtype}").`,
      });
    }
  }
}

/** The kernel's parameters as one tensor [heads, count]; differentiable. */
function packParameters({ parameters }: TiledKernel, inputs: AttentionInputs, sizes: HeadSizes): Tensor {
  const { backend } = inputs.q;
  const { heads } = sizes;
  if (parameters.length > 1 && parameters.every(({ name }) => inputs[name] === undefined)) {
    const row = parameters.map(({ initial }) => initial(sizes));
    return backend.tensor(Array.from({ length: heads }, () => row).flat(), [heads, row.length]);
  }
  const columns = parameters.map(({ name, initial }) => {
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
  return columns.length === 0 ? backend.full(0, [heads, 1]) : concat(columns, 1);
}
