import {
  alibi,
  attention,
  attentionMap,
  causal,
  cpu,
  kernels,
  ops,
  random,
  slidingWindow,
  valueAndGrad,
} from "attention-kernels";

const masks = { none: undefined, causal: causal(), window: slidingWindow(1) };

/**
 * What a kernel makes of some points of the plane: every token's query and key are its point, and so is its value, or
 * all values are one point.
 *
 * The loss is ½‖o - target‖² for the output o of the chosen token.
 */
export async function see({ kernel: name, points, parameters, mask, bias, equalValues, chosen, target }) {
  const [n, d] = [points.length, 2];
  const kernel = kernels[name]();
  const rows = (numbers) => cpu.tensor(numbers.flat(), [1, 1, n, d]);
  const middle = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / n);
  const values = equalValues ? points.map(() => middle) : points;
  const sizes = { batch: 1, heads: 1, queries: n, keys: n, dim: d };
  const own = (kernel.inputs ?? []).map(({ name, shape, initial }) => {
    const wanted = shape(sizes);
    const count = wanted.reduce((a, b) => a * b, 1);
    return [name, cpu.tensor(initial?.(wanted, random(1)) ?? random(1).normals(count, 0.5), wanted)];
  });
  const learned = Object.entries(parameters).map(([name, value]) => [name, cpu.tensor([value])]);
  const given = Object.fromEntries([...own, ...learned]);
  const options = {
    ...(mask === "none" ? {} : { mask: masks[mask] }),
    ...(bias === "alibi" ? { bias: alibi(cpu.tensor([0.5]), n, n) } : {}),
  };
  const inputs = { q: rows(points), k: rows(points), v: rows(values), ...given };
  const outputs = attention(kernel, inputs, options);
  const { value, gradients } = valueAndGrad(
    (moving) => {
      const own = ops.slice(attention(kernel, { ...given, ...moving }, options), 2, chosen, 1);
      return ops.multiply(ops.sum(ops.square(ops.subtract(own, cpu.tensor(target, [1, 1, 1, d])))), 0.5);
    },
    { q: inputs.q, k: inputs.k, v: inputs.v },
  );
  // the weights are the outputs for unit vectors as values; a kernel that normalises its outputs has no such map
  const weights = "formula" in kernel ? attentionMap(kernel, inputs, options) : undefined;
  const read = async (tensor) => Array.from(await tensor.read());
  const pairs = async (tensor) => {
    const numbers = await read(tensor);
    return points.map((_, index) => [numbers[2 * index], numbers[2 * index + 1]]);
  };
  const map = weights && (await read(weights));
  return {
    loss: (await value.read())[0],
    weights: map ? points.map((_, row) => map.slice(row * n, (row + 1) * n)) : null,
    values,
    outputs: await pairs(outputs),
    gradients: { q: await pairs(gradients.q), k: await pairs(gradients.k), v: await pairs(gradients.v) },
  };
}
