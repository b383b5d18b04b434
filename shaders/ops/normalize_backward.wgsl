// dx = r (dy - mean(dy) - y mean(y dy))
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> reciprocals: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

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
