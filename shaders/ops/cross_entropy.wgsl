// log sum_j e^{x_j} - x_label
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

fn element(row: u32) {
  let start = row * sizes.width;
  losses[row] = log_sum_exp(start) - x[start + labels[row]];
}
