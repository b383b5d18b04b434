import { swapped } from "./layout.mjs";

// jax-js needs features that Node 20 lacks: iterator helpers, Promise.withResolvers, and a navigator.
const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const helpers = {
  *map(f) {
    let i = 0;
    for (const x of this) yield f(x, i++);
  },
  *filter(f) {
    let i = 0;
    for (const x of this) if (f(x, i++)) yield x;
  },
  *flatMap(f) {
    let i = 0;
    for (const x of this) yield* f(x, i++);
  },
  *take(count) {
    if (count > 0)
      for (const x of this) {
        yield x;
        if (--count <= 0) return;
      }
  },
  toArray() {
    return [...this];
  },
  reduce(f, ...start) {
    return [...this].reduce(f, ...start);
  },
  some(f) {
    return [...this].some(f);
  },
  every(f) {
    return [...this].every(f);
  },
  find(f) {
    return [...this].find(f);
  },
  forEach(f) {
    [...this].forEach(f);
  },
};
for (const [name, value] of Object.entries(helpers))
  if (!(name in iterator)) Object.defineProperty(iterator, name, { value, configurable: true });
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

export async function open({ device, load }) {
  const jax = await load("@jax-js/jax");
  await jax.init(device);
  jax.defaultDevice(device);
  const attend = (isCausal) => (a, b, c) => jax.nn.dotProductAttention(a, b, c, { isCausal });
  const loss = (a, b, c) => attend(false)(a, b, c.ref).mul(c).sum();
  return {
    attention({ q, k, v, shape }) {
      const [batch, heads, tokens, dim] = shape;
      const inputs = [q, k, v].map((data) =>
        jax.numpy.array(swapped(data, shape)).reshape([batch, tokens, heads, dim]),
      );
      const [forward, causal, backward] = [
        jax.jit(attend(false)),
        jax.jit(attend(true)),
        jax.jit(jax.grad(loss, { argnums: [0, 1, 2] })),
      ];
      const given = () => inputs.map((x) => x.ref); // using an array consumes it
      const read = async (x) => x.data();
      return {
        toOurs: (data) => swapped(data, shape, true),
        forward: async () => [await read(forward(...given()))],
        causal: async () => [await read(causal(...given()))],
        forwardBackward: async () => Promise.all(backward(...given()).map(read)),
      };
    },
  };
}
