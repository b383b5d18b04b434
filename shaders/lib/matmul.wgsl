// What every matrix product reads: row and column strides, so that transposed operands need no copy, and a broadcast batch.
struct Sizes {
  rows: u32,
  inner: u32,
  columns: u32,
  a_row: u32,
  a_inner: u32,
  b_inner: u32,
  b_column: u32,
  extents: vec4u,
  a_batch: vec4u,
  b_batch: vec4u,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Where the matrices of A and of B for entry `entry` of the batch begin.
fn batch_bases(entry: u32) -> vec2u {
  var rest = entry;
  var bases = vec2u(0u);
  for (var step = 0u; step < 4u; step++) {
    let axis = 3u - step;
    bases += rest % sizes.extents[axis] * vec2u(sizes.a_batch[axis], sizes.b_batch[axis]);
    rest /= sizes.extents[axis];
  }
  return bases;
}

// Elements, zero outside the matrix.
fn a_at(base: u32, row: u32, k: u32) -> f32 {
  let at = base + min(row, sizes.rows - 1u) * sizes.a_row + min(k, sizes.inner - 1u) * sizes.a_inner;
  return select(0.0, a[at], row < sizes.rows && k < sizes.inner);
}

fn b_at(base: u32, k: u32, column: u32) -> f32 {
  let at = base + min(k, sizes.inner - 1u) * sizes.b_inner + min(column, sizes.columns - 1u) * sizes.b_column;
  return select(0.0, b[at], k < sizes.inner && column < sizes.columns);
}

// Four neighbouring rows of A at one k, or columns of B.
fn a_part(base: u32, row: u32, k: u32) -> vec4f {
  return vec4f(a_at(base, row, k), a_at(base, row + 1u, k), a_at(base, row + 2u, k), a_at(base, row + 3u, k));
}

fn b_part(base: u32, k: u32, column: u32) -> vec4f {
  return vec4f(b_at(base, k, column), b_at(base, k, column + 1u), b_at(base, k, column + 2u), b_at(base, k, column + 3u));
}
