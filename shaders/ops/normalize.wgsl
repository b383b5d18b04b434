// y = (x - mean) r, r = 1/sqrt(variance + epsilon)
// Reads x [count, width], writes y [count, width] and reciprocals [count]: f32.

fn element(row: u32) {
  let start = row * sizes.width;
  var mean = 0.0;
  for (var c = start; c < start + sizes.width; c++) {
    mean += x[c];
  }
  mean /= f32(sizes.width);
  var variance = 0.0;
  for (var c = start; c < start + sizes.width; c++) {
    variance += (x[c] - mean) * (x[c] - mean);
  }
  let r = 1.0 / sqrt(variance / f32(sizes.width) + sizes.epsilon);
  reciprocals[row] = r;
  for (var c = start; c < start + sizes.width; c++) {
    y[c] = (x[c] - mean) * r;
  }
}
