// dx = d (softmax(x) - onehot(label))
// Reads x: f32 [count, width], labels: u32 [count] and d: f32 [count], writes dx: f32 [count, width].

fn element(row: u32) {
  let start = row * sizes.width;
  let total = log_sum_exp(start);
  for (var c = 0u; c < sizes.width; c++) {
    dx[start + c] = d[row] * (exponential(x[start + c] - total) - select(0.0, 1.0, c == labels[row]));
  }
}
