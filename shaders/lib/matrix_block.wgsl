// A workgroup owns BLOCK rows and meets others TILE at a time; SHARE lanes have a row together, COLUMNS numbers of a
// tile each. Constants of the header: LANES of the workgroup, BLOCK, TILE, and WIDTH and VALUE_WIDTH, which are d and
// dv filled up to multiples of 16.
const SHARE = LANES / BLOCK;
const COLUMNS = TILE / SHARE;

// Strides in workgroup memory: of queries and keys, values and output cotangents, weights, products, and sums. What
// they have above the width spreads the rows over the banks of the memory, and keeps every row at a multiple of 16
// bytes, as subgroup matrices want it.
const STRIDE = WIDTH + 8u;
const VALUE_STRIDE = VALUE_WIDTH + 8u;
const WEIGHT_STRIDE = TILE + 8u;
const PRODUCT_STRIDE = TILE + 4u;
const SUM_STRIDE = WIDTH + 4u;
const VALUE_SUM_STRIDE = VALUE_WIDTH + 4u;

// Every pass says how many numbers it wants; WGSL fills them with zeros.
var<workgroup> halves: array<f16, HALVES>;
var<workgroup> floats: array<f32, FLOATS>;
var<workgroup> shares: array<f32, LANES>;

var<private> lane: u32;

// Set once loaded rows have numbers that are not finite: once their products with other rows are taken, they become
// zeros (`hide_lost`), because a weight of zero would not hide them.
var<workgroup> rows_lost: atomic<u32>;

fn put_vec4(at: u32, part: vec4f) {
  if (!is_finite(total(part))) {
    atomicStore(&rows_lost, 1u);
  }
  for (var s = 0u; s < 4u; s++) {
    halves[at + s] = f16(part[s]);
  }
}

fn sum_vec4(at: u32) -> vec4f {
  return vec4f(floats[at], floats[at + 1u], floats[at + 2u], floats[at + 3u]);
}

fn half_vec4(at: u32) -> vec4f {
  return vec4f(f32(halves[at]), f32(halves[at + 1u]), f32(halves[at + 2u]), f32(halves[at + 3u]));
}

fn squared_length(at: u32) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < WIDTH; c += 4u) {
    sum += dot(half_vec4(at + c), half_vec4(at + c));
  }
  return sum;
}

// Leaves zeros in the place of what is not finite in `rows` rows of a tile.
fn hide_lost(at: u32, stride: u32, rows: u32, width: u32) {
  for (var e = lane; e < rows * width; e += LANES) {
    let place = at + e / width * stride + e % width;
    halves[place] = select(halves[place], 0.0h, !is_finite(f32(halves[place])));
  }
}

// The largest of the numbers that the lanes of a row bring.
fn row_maximum(own: f32) -> f32 {
  workgroupBarrier();
  shares[lane] = own;
  workgroupBarrier();
  let first = lane / SHARE * SHARE;
  var maximum = shares[first];
  for (var k = 1u; k < SHARE; k++) {
    maximum = max(maximum, shares[first + k]);
  }
  return maximum;
}

// The sum of the numbers that the lanes of a row bring.
fn row_total(own: f32) -> f32 {
  workgroupBarrier();
  shares[lane] = own;
  workgroupBarrier();
  let first = lane / SHARE * SHARE;
  var total = 0.0;
  for (var k = 0u; k < SHARE; k++) {
    total += shares[first + k];
  }
  return total;
}

// Below every number that matters, and far from where float32 has no more digits.
const SMALLEST_UNIT = 0x1p-100;

// Writes a lane's numbers to `at` as float16, in a unit that is a power of two, one a row, and grows with the largest
// number of the row: so none is infinite, and what vanishes is small beside the others. Returns what sums in the old
// unit must be multiplied by.
fn narrow(numbers: ptr<function, array<f32, COLUMNS>>, unit: ptr<function, f32>, at: u32) -> f32 {
  var largest = 0.0;
  for (var c = 0u; c < COLUMNS; c++) {
    largest = max(largest, abs((*numbers)[c]));
  }
  let old = *unit;
  let exponent = bitcast<u32>(row_maximum(largest)) & 0x7f800000u;
  *unit = max(old, bitcast<f32>(exponent));
  for (var c = 0u; c < COLUMNS; c++) {
    halves[at + c] = f16((*numbers)[c] / *unit);
  }
  return old / *unit;
}

// Multiplies a lane's share of a row of sums.
fn scale_sums(at: u32, width: u32, factor: f32) {
  if (factor != 1.0) {
    for (var c = lane % SHARE; c < width; c += SHARE) {
      floats[at + c] *= factor;
    }
  }
}
