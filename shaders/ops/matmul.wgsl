// C = A B for every matrix of a batch, with row and column strides, so that transposed operands need no copy. A workgroup of
// 8 x 8 invocations makes a 32 x 32 block of C, 4 x 4 elements an invocation; blocks of A and B pass through workgroup memory.
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

const BLOCK = 32u;
const DEPTH = 16u;
const SIDE = 8u;

// Blocks [DEPTH][BLOCK]: one vec4 holds four neighbouring rows of A, or columns of B.
var<workgroup> a_block: array<vec4f, DEPTH * SIDE>;
var<workgroup> b_block: array<vec4f, DEPTH * SIDE>;

fn a_at(base: u32, row: u32, k: u32) -> f32 {
  return select(0.0, a[base + min(row, sizes.rows - 1u) * sizes.a_row + min(k, sizes.inner - 1u) * sizes.a_inner], row < sizes.rows && k < sizes.inner);
}

fn b_at(base: u32, k: u32, column: u32) -> f32 {
  return select(0.0, b[base + min(k, sizes.inner - 1u) * sizes.b_inner + min(column, sizes.columns - 1u) * sizes.b_column], k < sizes.inner && column < sizes.columns);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var rest = group.z;
  var a_base = 0u;
  var b_base = 0u;
  for (var step = 0u; step < 4u; step++) {
    let axis = 3u - step;
    let position = rest % sizes.extents[axis];
    rest /= sizes.extents[axis];
    a_base += position * sizes.a_batch[axis];
    b_base += position * sizes.b_batch[axis];
  }
  let first_row = group.y * BLOCK;
  let first_column = group.x * BLOCK;
  let y = lane / SIDE;
  let x = lane % SIDE;

  var sums: array<vec4f, 4>;
  for (var first = 0u; first < sizes.inner; first += DEPTH) {
    for (var e = lane; e < DEPTH * SIDE; e += 64u) {
      let k = first + e / SIDE;
      let row = first_row + e % SIDE * 4u;
      let column = first_column + e % SIDE * 4u;
      a_block[e] = vec4f(a_at(a_base, row, k), a_at(a_base, row + 1u, k), a_at(a_base, row + 2u, k), a_at(a_base, row + 3u, k));
      b_block[e] = vec4f(b_at(b_base, k, column), b_at(b_base, k, column + 1u), b_at(b_base, k, column + 2u), b_at(b_base, k, column + 3u));
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let left = a_block[k * SIDE + y];
      let right = b_block[k * SIDE + x];
      sums[0] += left.x * right;
      sums[1] += left.y * right;
      sums[2] += left.z * right;
      sums[3] += left.w * right;
    }
    workgroupBarrier();
  }

  let base = group.z * sizes.rows * sizes.columns;
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + y * 4u + r;
    for (var s = 0u; s < 4u; s++) {
      let column = first_column + x * 4u + s;
      if (row < sizes.rows && column < sizes.columns) {
        c[base + row * sizes.columns + column] = sums[r][s];
      }
    }
  }
}
