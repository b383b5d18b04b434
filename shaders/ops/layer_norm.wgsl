// y = n scale + shift, n = (x - mean) r, r = 1/sqrt(variance + epsilon)
// Reads x [count, width], scale and shift [width], writes y and normalized [count, width] and reciprocals [count]: f32.

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
  for (var c = 0u; c < sizes.width; c++) {
    let n = (x[start + c] - mean) * r;
    normalized[start + c] = n;
    y[start + c] = n * scale[c] + shift[c];
  }
}
