// A row whose weights are known without the others: the normaliser says what all of them are multiplied by.
struct Row {
  unused: f32,
}

fn row_start() -> Row {
  return Row(0.0);
}

fn row_advance(row: ptr<function, Row>, tile_maximum: f32) -> f32 {
  return 1.0;
}

fn row_weight(row: Row, score: f32) -> f32 {
  return weight(score);
}

fn row_add(row: ptr<function, Row>, weight: f32) {}

fn row_merge(row: ptr<function, Row>, other: Row) -> vec2f {
  return vec2f(1.0);
}

fn row_factor(row: Row) -> f32 {
  return row_scale();
}

fn row_statistic(row: Row) -> f32 {
  return 1.0 / row_scale();
}

fn normalized_weight(score: f32, statistic: f32) -> f32 {
  return weight(score) * row_scale();
}

fn score_gradient(score: f32, weight: f32, weight_gradient: f32, delta: f32, statistic: f32) -> f32 {
  return weight_derivative(score, weight / row_scale()) * row_scale() * weight_gradient;
}
