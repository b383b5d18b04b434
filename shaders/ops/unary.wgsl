// y = apply(x, a, b), one number or four an invocation
@group(0) @binding(2) var<storage, read_write> y: array<Number>;

fn element(index: u32) {
  y[index] = apply(x_at(operand_offsets(index).x), sizes.a, sizes.b);
}
