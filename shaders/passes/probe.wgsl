// The hooks of a kernel at given pairs, one pair an invocation: score, its partial derivatives, weight and its
// derivative. Reads pairs: f32 [count, 3] and parameters: f32, writes hooks: f32 [count, PROBED].

fn element(index: u32) {
  for (var p = 0u; p < min(sizes.parameters, 4u); p++) {
    learned[p] = parameters[p];
  }
  let pair = Pair(pairs[3u * index], pairs[3u * index + 1u], pairs[3u * index + 2u]);
  let s = score(pair);
  let partials = score_partials(pair);
  let by_parameters = score_by_parameters(pair);
  let w = weight(s);
  let at = PROBED * index;
  hooks[at] = s;
  hooks[at + 1u] = partials.product;
  hooks[at + 2u] = partials.query_norm;
  hooks[at + 3u] = partials.key_norm;
  for (var p = 0u; p < 4u; p++) {
    hooks[at + 4u + p] = select(0.0, by_parameters[p], p < sizes.parameters);
  }
  hooks[at + 8u] = w;
  hooks[at + 9u] = weight_derivative(s, w);
}
