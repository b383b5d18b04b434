// y_i = e^{x_i} / sum_j e^{x_j}
// Reads x, writes y: f32 [count, width].

fn element(row: u32) {
  let start = row * sizes.width;
  var maximum = x[start];
  for (var c = 1u; c < sizes.width; c++) {
    maximum = max(maximum, x[start + c]);
  }
  var sum = 0.0;
  for (var c = 0u; c < sizes.width; c++) {
    sum += exponential(x[start + c] - maximum);
  }
  for (var c = 0u; c < sizes.width; c++) {
    y[start + c] = exponential(x[start + c] - maximum) / sum;
  }
}
