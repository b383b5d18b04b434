// rows_i = (statistic_i, delta_i) with delta_i = dout_i . out_i, which the softmax and sum normalisers need in backward.
struct Sizes {
  count: u32,
  value_dim: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<vec2f>;

fn element(row: u32) {
  var delta = 0.0;
  for (var c = row * sizes.value_dim; c < (row + 1u) * sizes.value_dim; c++) {
    delta += outputs[c] * output_gradients[c];
  }
  rows[row] = vec2f(statistics[row], delta);
}
