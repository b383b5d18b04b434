// Joins what passes/forward_split.wgsl left of every row: one component of the output an invocation, splits in order.
// Reads states: Row [rows, splits] and partial_sums: f32 [rows, splits, value_dim], writes outputs: Stored [count] and
// statistics: f32 [rows].

fn element(index: u32) {
  let row = quotient(index, sizes.value_dim);
  let c = index - row * sizes.value_dim;
  var state = row_start();
  var sum = 0.0;
  for (var split = row * sizes.splits; split < (row + 1u) * sizes.splits; split++) {
    let factors = row_merge(&state, states[split]);
    sum = sum * factors.x + partial_sums[split * sizes.value_dim + c] * factors.y;
  }
  outputs[index] = Stored(row_factor(state) * sum);
  if (c == 0u) {
    statistics[row] = row_statistic(state);
  }
}
