// rows_i = (dout_i, filled up to vec4s; statistic_i, delta_i, 0, 0) with delta_i = dout_i . out_i, which the softmax
// and sum normalisers need in backward. Reads outputs and output_gradients: Stored [count, value_dim] and statistics:
// f32 [count], writes rows: vec4f.

fn element(row: u32) {
  let source = row * sizes.value_dim;
  let vec4s = (sizes.value_dim + 3u) / 4u;
  let start = row * (vec4s + 1u);
  var delta = 0.0;
  for (var p = 0u; p < vec4s; p++) {
    var part = vec4f(0.0);
    for (var s = 0u; s < 4u; s++) {
      let c = p * 4u + s;
      if (c < sizes.value_dim) {
        part[s] = f32(output_gradients[source + c]);
        delta += f32(outputs[source + c]) * part[s];
      }
    }
    rows[start + p] = part;
  }
  rows[start + vec4s] = vec4f(statistics[row], delta, 0.0, 0.0);
}
