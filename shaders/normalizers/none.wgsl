// Weights as the kernel gives them.
struct Row {
  unused: f32,
}

fn row_start() -> Row {
  return Row(0.0);
}

fn row_advance(row: ptr<function, Row>, tile_maximum: f32) -> f32 {
  return 1.0;
}

fn row_weight(row: ptr<function, Row>, score: f32) -> f32 {
  return weight(score);
}

fn row_factor(row: Row) -> f32 {
  return 1.0;
}

fn row_statistic(row: Row) -> f32 {
  return 0.0;
}

fn normalized_weight(score: f32, statistic: f32) -> f32 {
  return weight(score);
}

fn score_gradient(score: f32, weight: f32, weight_gradient: f32, delta: f32, statistic: f32) -> f32 {
  return weight_derivative(score, weight) * weight_gradient;
}
