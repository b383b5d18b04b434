// dx = y (dy - sum_j y_j dy_j)
// Reads y and dy, writes dx: f32 [count, width].

fn element(row: u32) {
  let start = row * sizes.width;
  var inner = 0.0;
  for (var c = start; c < start + sizes.width; c++) {
    inner += y[c] * dy[c];
  }
  for (var c = start; c < start + sizes.width; c++) {
    dx[c] = y[c] * (dy[c] - inner);
  }
}
