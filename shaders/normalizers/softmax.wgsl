// Weights e^s divided by their row sum, in one sweep (online softmax): sums are kept relative to the largest score so
// far.
struct Row {
  maximum: f32,
  sum: f32,
}

const LOWEST = -0x1.fffffep127;

fn row_start() -> Row {
  return Row(LOWEST, 0.0);
}

// Takes the largest score of the next tile; returns what the sums so far must be multiplied by.
fn row_advance(row: ptr<function, Row>, tile_maximum: f32) -> f32 {
  let maximum = max((*row).maximum, tile_maximum);
  let factor = exponential((*row).maximum - maximum);
  (*row).maximum = maximum;
  (*row).sum *= factor;
  return factor;
}

fn row_weight(row: Row, score: f32) -> f32 {
  return exponential(score - row.maximum);
}

fn row_add(row: ptr<function, Row>, weight: f32) {
  (*row).sum += weight;
}

// Takes in another part of the same row; returns what the sums of both must be multiplied by.
fn row_merge(row: ptr<function, Row>, other: Row) -> vec2f {
  let maximum = max((*row).maximum, other.maximum);
  let factors = vec2f(exponential((*row).maximum - maximum), exponential(other.maximum - maximum));
  (*row).sum = (*row).sum * factors.x + other.sum * factors.y;
  (*row).maximum = maximum;
  return factors;
}

// What the weighted sum of values is multiplied by at the end.
fn row_factor(row: Row) -> f32 {
  return select(1.0 / row.sum, 0.0, row.sum == 0.0);
}

// The log-sum-exp; -infinity for a row that sees no key.
fn row_statistic(row: Row) -> f32 {
  return select(row.maximum + logarithm(row.sum), -bitcast<f32>(infinity_bits), row.sum == 0.0);
}

fn normalized_weight(score: f32, statistic: f32) -> f32 {
  return exponential(score - statistic);
}

fn score_gradient(score: f32, weight: f32, weight_gradient: f32, delta: f32, statistic: f32) -> f32 {
  return weight * (weight_gradient - delta);
}
