// s = (scale (q.k) + offset)^degree with parameters (offset, scale, degree)
fn base(pair: Pair) -> f32 {
  return learned.y * pair.product + learned.x;
}

// x^exponent for whole exponents and any sign of x.
fn whole_power(x: f32, exponent: f32) -> f32 {
  var power = 1.0;
  for (var i = 0.0; i < exponent; i += 1.0) {
    power *= x;
  }
  return power;
}

fn score_by_base(pair: Pair) -> f32 {
  return learned.z * whole_power(base(pair), learned.z - 1.0);
}

fn score(pair: Pair) -> f32 {
  return whole_power(base(pair), learned.z);
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.y * score_by_base(pair), 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return score_by_base(pair) * vec4f(1.0, pair.product, 0.0, 0.0);
}
