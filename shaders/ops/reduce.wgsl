// x [outer, length, inner] to y [outer, parts, inner], count elements: each invocation folds CHUNK elements of the middle axis into one.
struct Sizes {
  count: u32,
  length: u32,
  inner: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn element(index: u32) {
  let row = quotient(index, sizes.inner);
  let i = index - row * sizes.inner;
  let o = quotient(row, sizes.parts);
  let part = row - o * sizes.parts;
  let start = part * CHUNK;
  let end = min(start + CHUNK, sizes.length);
  var folded = x[(o * sizes.length + start) * sizes.inner + i];
  for (var r = start + 1u; r < end; r++) {
    folded = fold(folded, x[(o * sizes.length + r) * sizes.inner + i]);
  }
  y[index] = folded;
}
