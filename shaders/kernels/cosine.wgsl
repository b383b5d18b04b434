// s = q.k / (|q| |k| temperature), 0 where a vector is 0; a temperature below 0.01 counts as 0.01.
const SMALLEST_TEMPERATURE = 0.01;

fn temperature() -> f32 {
  return at_least(learned.x, SMALLEST_TEMPERATURE);
}

fn reciprocal_lengths(pair: Pair) -> f32 {
  let lengths = sqrt(pair.query_norm) * sqrt(pair.key_norm);
  return select(0.0, 1.0 / lengths, lengths > 0.0);
}

fn score(pair: Pair) -> f32 {
  return pair.product * reciprocal_lengths(pair) / temperature();
}

fn score_partials(pair: Pair) -> Partials {
  let s = score(pair);
  let by_query = select(0.0, -0.5 * s / pair.query_norm, pair.query_norm > 0.0);
  let by_key = select(0.0, -0.5 * s / pair.key_norm, pair.key_norm > 0.0);
  return Partials(reciprocal_lengths(pair) / temperature(), by_query, by_key);
}

fn score_by_parameters(pair: Pair) -> vec4f {
  return vec4f(select(0.0, -score(pair) / temperature(), learned.x > SMALLEST_TEMPERATURE), 0.0, 0.0, 0.0);
}
