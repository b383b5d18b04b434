// s = -|q - k|_1 / temperature; the pair product is the distance.
fn score(pair: Pair) -> f32 {
  return -pair.product / learned.x;
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(-1.0 / learned.x, 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(pair.product / (learned.x * learned.x), 0.0, 0.0, 0.0);
}
