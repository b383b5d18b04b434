// z = apply(x, y, a)
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> z: array<f32>;

fn element(index: u32) {
  let offsets = operand_offsets(index);
  z[index] = apply(x[offsets.x], y[offsets.y], sizes.a);
}
