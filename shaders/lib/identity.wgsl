// The weight s itself.
fn weight(score: f32) -> f32 {
  return score;
}

fn weight_derivative(score: f32, weight: f32) -> f32 {
  return 1.0;
}
