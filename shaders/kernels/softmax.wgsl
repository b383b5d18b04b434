// s = scale (q.k)
fn score(pair: Pair) -> f32 {
  return learned.x * pair.product;
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.x, 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(pair.product, 0.0, 0.0, 0.0);
}
