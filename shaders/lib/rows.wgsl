// Work on the rows of a matrix, one row an invocation.
struct Sizes {
  count: u32,
  width: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
