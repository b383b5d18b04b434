// rows_i = (dout_i, statistic_i, delta_i) with delta_i = dout_i . out_i, which the softmax and sum normalisers need in backward.
struct Sizes {
  count: u32,
  value_dim: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;

fn element(row: u32) {
  let source = row * sizes.value_dim;
  let start = row * (sizes.value_dim + 2u);
  var delta = 0.0;
  for (var c = 0u; c < sizes.value_dim; c++) {
    delta += outputs[source + c] * output_gradients[source + c];
    rows[start + c] = output_gradients[source + c];
  }
  rows[start + sizes.value_dim] = statistics[row];
  rows[start + sizes.value_dim + 1u] = delta;
}
