// s = scale (q.k) + bias with parameters (bias, scale), w = 1 / (1 + e^-s)
fn score(pair: Pair) -> f32 {
  return learned.y * pair.product + learned.x;
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.y, 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(1.0, pair.product, 0.0, 0.0);
}

fn weight(score: f32) -> f32 {
  return 1.0 / (1.0 + exponential(-score));
}

fn weight_derivative(score: f32, weight: f32) -> f32 {
  return weight * (1.0 - weight);
}
