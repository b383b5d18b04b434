// What every consumer computes. Written against the library as an argument, so that ES modules, CommonJS and a page
// share it.

/** Numbers in (-1, 1) that are the same everywhere. */
function numbers(count, seed) {
  return Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

/** Output and gradients of attention with one kernel on one backend, as plain arrays. */
async function answer({ attention, ops, valueAndGrad }, backend, kernel) {
  const parameters = {
    q: backend.tensor(numbers(2 * 5 * 3, 1), [1, 2, 5, 3]),
    k: backend.tensor(numbers(2 * 7 * 3, 2), [1, 2, 7, 3]),
    v: backend.tensor(numbers(2 * 7 * 4, 3), [1, 2, 7, 4]),
  };
  const output = attention(kernel, parameters);
  const { gradients } = valueAndGrad((p) => {
    const out = attention(kernel, p);
    return ops.sum(ops.multiply(out, out));
  }, parameters);
  const tensors = [output, gradients.q, gradients.k, gradients.v];
  return Promise.all(tensors.map(async (tensor) => Array.from(await tensor.read())));
}

/** The answers of `backend` for softmax, Gaussian and row-normalised Gaussian attention. */
export async function answers(library, backend) {
  const { gaussian, softmax } = library;
  return {
    softmax: await answer(library, backend, softmax()),
    gaussian: await answer(library, backend, gaussian()),
    normalized: await answer(library, backend, gaussian({ normalize: true })),
  };
}
