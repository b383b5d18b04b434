// w = max(s, 0), of softmax's score
fn weight(score: f32) -> f32 {
  return at_least(score, 0.0);
}

fn weight_derivative(score: f32, weight: f32) -> f32 {
  return unless_nan(select(0.0, 1.0, score > 0.0), score);
}
