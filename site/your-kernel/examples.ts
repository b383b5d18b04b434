const rationalQuadratic = `({
  name: "rationalQuadratic",
  normalizer: "none",
  parameters: { alpha: 1, lengthScale: ({ dim }) => dim ** 0.25 },
  score: ({ distance }, [alpha, lengthScale]) =>
    -alpha * Math.log1p(distance / (2 * alpha * lengthScale ** 2)),
  partials({ distance }, [alpha, lengthScale], into) {
    const x = distance / (2 * alpha * lengthScale ** 2);
    const byDistance = -1 / (2 * lengthScale ** 2 * (1 + x));
    into.product = -2 * byDistance; // ‖q-k‖² = ‖q‖² + ‖k‖² - 2 q·k
    into.queryNorm = byDistance;
    into.keyNorm = byDistance;
    into.parameters[0] = x / (1 + x) - Math.log1p(x);
    into.parameters[1] = (2 * alpha * x) / (lengthScale * (1 + x));
  },
  wgsl: \`
    fn ratio(pair: Pair) -> f32 {
      let distance = max(pair.query_norm + pair.key_norm - 2.0 * pair.product, 0.0);
      return distance / (2.0 * alpha() * lengthScale() * lengthScale());
    }
    fn score(pair: Pair) -> f32 {
      return -alpha() * log(1.0 + ratio(pair));
    }
    fn score_partials(pair: Pair) -> Partials {
      let by_distance = -1.0 / (2.0 * lengthScale() * lengthScale() * (1.0 + ratio(pair)));
      return Partials(-2.0 * by_distance, by_distance, by_distance);
    }
    fn score_by_parameters(pair: Pair) -> vec4f {
      let x = ratio(pair);
      return vec4f(x / (1.0 + x) - log(1.0 + x), 2.0 * alpha() * x / (lengthScale() * (1.0 + x)), 0.0, 0.0);
    }\`,
})`;

const dotProduct = `({
  name: "dotProduct",
  normalizer: "softmax",
  parameters: { scale: ({ dim }) => 1 / Math.sqrt(dim) },
  score: ({ product }, [scale]) => scale * product,
  partials({ product }, [scale], into) {
    into.product = scale;
    into.queryNorm = 0;
    into.keyNorm = 0;
    into.parameters[0] = product;
  },
  wgsl: \`
    fn score(pair: Pair) -> f32 {
      return scale() * pair.product;
    }
    fn score_partials(pair: Pair) -> Partials {
      return Partials(scale(), 0.0, 0.0);
    }
    fn score_by_parameters(pair: Pair) -> vec4f {
      return vec4f(pair.product, 0.0, 0.0, 0.0);
    }\`,
})`;

/** Kernels to start from, as the argument of `defineKernel`. */
export const examples = {
  "rational quadratic": rationalQuadratic,
  "dot product": dotProduct,
  "a wrong sign": rationalQuadratic.replace("into.queryNorm = byDistance", "into.queryNorm = -byDistance"),
} as const;
export type ExampleName = keyof typeof examples;
