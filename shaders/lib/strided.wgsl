// Element-by-element work over up to eight axes, with operands read through strides: 0 repeats, any other order
// permutes.

// The offsets in the left and the right operand of an element of the result. RANK axes, at least one; the first needs
// no division, so that an operand without repetition costs none.
fn operand_offsets(index: u32) -> vec2u {
  var rest = index;
  var offsets = vec2u(0u);
  for (var axis = RANK - 1u; axis > 0u; axis--) {
    let outer = quotient(rest, sizes.extents[axis / 4u][axis % 4u]);
    let position = rest - outer * sizes.extents[axis / 4u][axis % 4u];
    offsets += position * vec2u(sizes.left[axis / 4u][axis % 4u], sizes.right[axis / 4u][axis % 4u]);
    rest = outer;
  }
  return offsets + rest * vec2u(sizes.left[0][0], sizes.right[0][0]);
}
