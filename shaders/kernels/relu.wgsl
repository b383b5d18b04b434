// s = scale (q.k), w = max(s, 0)
fn score(pair: Pair) -> f32 {
  return learned.x * pair.product;
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.x, 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(pair.product, 0.0, 0.0, 0.0);
}

fn weight(score: f32) -> f32 {
  return max(score, 0.0);
}

fn weight_derivative(score: f32, weight: f32) -> f32 {
  return select(0.0, 1.0, score > 0.0);
}
