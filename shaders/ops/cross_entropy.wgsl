// log sum_j e^{x_j} - x_label
// Reads x: f32 [count, width] and labels: u32 [count], writes losses: f32 [count].

fn element(row: u32) {
  let start = row * sizes.width;
  losses[row] = log_sum_exp(start) - x[start + labels[row]];
}
