// z = apply(x, y, a), one number or four an invocation
@group(0) @binding(3) var<storage, read_write> z: array<Number>;

fn element(index: u32) {
  let offsets = operand_offsets(index);
  z[index] = apply(x_at(offsets.x), y_at(offsets.y), sizes.a);
}
