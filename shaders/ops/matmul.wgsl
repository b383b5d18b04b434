// C = A B for every matrix of a batch. A workgroup of 8 x 8 invocations makes a 32 x 32 block of C, 4 x 4 elements an
// invocation; blocks of A and B pass through workgroup memory.
const DEPTH = 16u;
const SIDE = 8u;

// Blocks [DEPTH][BLOCK]: one vec4 holds four neighbouring rows of A, or columns of B.
var<workgroup> a_block: array<vec4f, DEPTH * SIDE>;
var<workgroup> b_block: array<vec4f, DEPTH * SIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = tile_and_entry(group, groups);
  if (place.y >= sizes.batches) {
    return;
  }
  let bases = batch_bases(place.y);
  let first_row = place.x * BLOCK;
  let first_column = group.x * BLOCK;
  let y = lane / SIDE;
  let x = lane % SIDE;

  var sums: array<vec4f, 4>;
  for (var first = 0u; first < sizes.inner; first += DEPTH) {
    for (var e = lane; e < DEPTH * SIDE; e += 64u) {
      let k = first + e / SIDE;
      a_block[e] = a_vec4(bases.x, first_row + e % SIDE * 4u, k);
      b_block[e] = b_vec4(bases.y, k, first_column + e % SIDE * 4u);
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

  let base = place.y * sizes.rows * sizes.columns;
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + y * 4u + r;
    for (var s = 0u; s < 4u; s++) {
      let column = first_column + x * 4u + s;
      if (row < sizes.rows && column < sizes.columns) {
        c[base + row * sizes.columns + column] = biased(sums[r][s], column);
      }
    }
  }
}
