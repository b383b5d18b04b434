// y = apply(x, a, b)
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn element(index: u32) {
  y[index] = apply(x[operand_offsets(index).x], sizes.a, sizes.b);
}
