// Element-by-element work over up to eight axes, with operands read through strides: 0 repeats, any other order permutes.
struct Sizes {
  count: u32,
  a: f32,
  b: f32,
  extents: array<vec4u, 2>,
  left: array<vec4u, 2>,
  right: array<vec4u, 2>,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// The offsets in the left and the right operand of an element of the result. RANK axes have more than one element.
fn operand_offsets(index: u32) -> vec2u {
  var rest = index;
  var offsets = vec2u(0u);
  for (var step = 0u; step < RANK; step++) {
    let axis = RANK - 1u - step;
    let extent = sizes.extents[axis / 4u][axis % 4u];
    let position = rest % extent;
    rest /= extent;
    offsets += position * vec2u(sizes.left[axis / 4u][axis % 4u], sizes.right[axis / 4u][axis % 4u]);
  }
  return offsets;
}
