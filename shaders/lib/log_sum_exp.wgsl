// log sum_j e^{x_j} of the row that starts at `start`.
fn log_sum_exp(start: u32) -> f32 {
  var maximum = x[start];
  for (var c = start + 1u; c < start + sizes.width; c++) {
    maximum = max(maximum, x[c]);
  }
  var sum = 0.0;
  for (var c = start; c < start + sizes.width; c++) {
    sum += exponential(x[c] - maximum);
  }
  return maximum + logarithm(sum);
}
