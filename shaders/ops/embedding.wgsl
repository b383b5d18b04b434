// Row ids[r] of a table, for every r. One element an invocation.
struct Sizes {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn element(index: u32) {
  let row = quotient(index, sizes.width);
  y[index] = table[ids[row] * sizes.width + index - row * sizes.width];
}
