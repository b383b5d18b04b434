// Joins what passes/forward_split.wgsl left of every row: one component of the output an invocation, parts in order.
struct Sizes {
  count: u32,
  value_dim: u32,
  splits: u32,
  keys: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> states: array<Row>;
@group(0) @binding(2) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> outputs: array<Stored>;
@group(0) @binding(4) var<storage, read_write> statistics: array<f32>;

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
