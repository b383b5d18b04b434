// dx = r (dy - mean(dy) - y mean(y dy))
// Reads y and dy [count, width] and reciprocals [count], writes dx [count, width]: f32.

fn element(row: u32) {
  let start = row * sizes.width;
  var mean = 0.0;
  var inner = 0.0;
  for (var c = start; c < start + sizes.width; c++) {
    mean += dy[c];
    inner += y[c] * dy[c];
  }
  mean /= f32(sizes.width);
  inner /= f32(sizes.width);
  for (var c = start; c < start + sizes.width; c++) {
    dx[c] = reciprocals[row] * (dy[c] - mean - y[c] * inner);
  }
}
