// dx = y (dy - sum_j y_j dy_j)
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

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
