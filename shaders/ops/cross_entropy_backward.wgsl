// dx = d (softmax(x) - onehot(label))
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> d: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

fn element(row: u32) {
  let start = row * sizes.width;
  let total = log_sum_exp(start);
  for (var c = 0u; c < sizes.width; c++) {
    dx[start + c] = d[row] * (exp(x[start + c] - total) - select(0.0, 1.0, c == labels[row]));
  }
}
