// s = -gamma/2 |q-k|^2 with |q-k|^2 = |q|^2 + |k|^2 - 2 q.k, clamped where rounding makes it negative.
fn squared_distance(pair: Pair) -> f32 {
  return max(pair.query_norm + pair.key_norm - 2.0 * pair.product, 0.0);
}

fn score(pair: Pair) -> f32 {
  return -0.5 * learned.x * squared_distance(pair);
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.x, -0.5 * learned.x, -0.5 * learned.x);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(-0.5 * squared_distance(pair), 0.0, 0.0, 0.0);
}
