// The weight e^s and its derivative.
fn weight(score: f32) -> f32 {
  return exponential(score);
}

fn weight_derivative(score: f32, weight: f32) -> f32 {
  return weight;
}
