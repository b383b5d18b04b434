// s = (scale (q.k) + offset)^DEGREE with parameters (offset, scale); DEGREE is a constant of the kernel.
fn base(pair: Pair) -> f32 {
  return learned.y * pair.product + learned.x;
}

// x^exponent for any sign of x.
fn whole_power(x: f32, exponent: u32) -> f32 {
  var power = 1.0;
  for (var i = 0u; i < exponent; i++) {
    power *= x;
  }
  return power;
}

fn score_by_base(pair: Pair) -> f32 {
  return f32(DEGREE) * whole_power(base(pair), DEGREE - 1u);
}

fn score(pair: Pair) -> f32 {
  return whole_power(base(pair), DEGREE);
}

fn score_partials(pair: Pair) -> Partials {
  return Partials(learned.y * score_by_base(pair), 0.0, 0.0);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return score_by_base(pair) * vec4f(1.0, pair.product, 0.0, 0.0);
}
