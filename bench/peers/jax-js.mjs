// jax-js asks for what Node 20 lacks: iterator helpers, Promise.withResolvers, and a navigator.
const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const helpers = {
  *map(f) { let i = 0; for (const x of this) yield f(x, i++); },
  *filter(f) { let i = 0; for (const x of this) if (f(x, i++)) yield x; },
  *flatMap(f) { let i = 0; for (const x of this) yield* f(x, i++); },
  *take(count) { if (count > 0) for (const x of this) { yield x; if (--count <= 0) return; } },
  toArray() { return [...this]; },
  reduce(f, ...start) { return [...this].reduce(f, ...start); },
  some(f) { return [...this].some(f); },
  every(f) { return [...this].every(f); },
  find(f) { return [...this].find(f); },
  forEach(f) { [...this].forEach(f); },
};
for (const [name, value] of Object.entries(helpers)) if (!(name in iterator)) Object.defineProperty(iterator, name, { value, configurable: true });
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

/** Its layout is [batch, tokens, heads, dim]. */
function swapped(data, [batch, heads, tokens, dim], back = false) {
  const result = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < tokens; i++) {
        const [ours, theirs] = [((b * heads + h) * tokens + i) * dim, ((b * tokens + i) * heads + h) * dim];
        for (let c = 0; c < dim; c++) result[(back ? ours : theirs) + c] = data[(back ? theirs : ours) + c];
      }
    }
  }
  return result;
}

export async function open({ q, k, v, shape, load }) {
  const jax = await load("@jax-js/jax");
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const [batch, heads, tokens, dim] = shape;
  const array = (data) => jax.numpy.array(swapped(data, shape)).reshape([batch, tokens, heads, dim]);
  const inputs = [q, k, v].map(array);
  const attend = (isCausal) => (a, b, c) => jax.nn.dotProductAttention(a, b, c, { isCausal });
  const loss = (a, b, c) => attend(false)(a, b, c.ref).mul(c).sum();
  const [forward, causal, backward] = [jax.jit(attend(false)), jax.jit(attend(true)), jax.jit(jax.grad(loss, { argnums: [0, 1, 2] }))];
  const given = () => inputs.map((x) => x.ref); // arrays are consumed by use
  const read = async (x) => swapped(await x.data(), shape, true);
  return {
    forward: async () => [await read(forward(...given()))],
    causal: async () => [await read(causal(...given()))],
    forwardBackward: async () => Promise.all(backward(...given()).map(read)),
  };
}
