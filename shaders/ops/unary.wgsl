// y = apply(x, a, b), one number or four an invocation
// Reads x through x_at, writes y: Number [count].

fn element(index: u32) {
  y[index] = apply(x_at(operand_offsets(index).x), sizes.a, sizes.b);
}
