// Weights divided by their plain row sum.
struct Row {
  sum: f32,
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

fn row_add(row: ptr<function, Row>, weight: f32) {
  (*row).sum += weight;
}

// Takes in another part of the same row; returns what the sums of both must be multiplied by.
fn row_merge(row: ptr<function, Row>, other: Row) -> vec2f {
  (*row).sum += other.sum;
  return vec2f(1.0);
}

fn row_factor(row: Row) -> f32 {
  return select(1.0 / row.sum, 0.0, row.sum == 0.0);
}

fn row_statistic(row: Row) -> f32 {
  return row.sum;
}

fn normalized_weight(score: f32, statistic: f32) -> f32 {
  return select(weight(score) / statistic, 0.0, statistic == 0.0);
}

fn score_gradient(score: f32, weight: f32, weight_gradient: f32, delta: f32, statistic: f32) -> f32 {
  return select(weight_derivative(score, weight * statistic) / statistic * (weight_gradient - delta), 0.0, statistic == 0.0);
}
