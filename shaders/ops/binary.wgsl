// z = apply(x, y, a), one number or four an invocation
// Reads x and y through x_at and y_at, writes z: Number [count].

fn element(index: u32) {
  let offsets = operand_offsets(index);
  z[index] = apply(x_at(offsets.x), y_at(offsets.y), sizes.a);
}
