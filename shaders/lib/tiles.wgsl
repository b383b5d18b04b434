// Products of blocks in registers. A workgroup of DOWN x ACROSS invocations owns ROWS rows (left) and meets COLUMNS
// others (right) at a time. An invocation takes RUN rows, DOWN apart, against four columns, ACROSS apart: RUN + 4 loads
// of a vec4 from workgroup memory for 16 RUN multiply-adds. Constants of the header: DOWN, RUN, a multiple of 4, and
// ACROSS, at least RUN; and SLICES, workgroups that own the same rows, where sums over the whole width need too many
// registers: each sums a slice of it. A pass has two products of rows: the pair product over the width of keys, and
// another over that of values (`second`). It says what they are by left_vec4 and right_vec4, vec4s of the rows of either
// side, and tile_product. Workgroup memory has an index for each of row, column and part, because compilers hold each of
// them inside its bounds, and do so outside of loops where it stays the same there.
const ROWS = DOWN * RUN;
const COLUMNS = 4u * ACROSS;
const INVOCATIONS = DOWN * ACROSS;
// Vec4s of a row of the slice that an invocation sums: part `across`, and every ACROSS further.
const SLOTS = (VEC4S + ACROSS * SLICES - 1u) / (ACROSS * SLICES);
const VALUE_SLOTS = (VALUE_VEC4S + ACROSS * SLICES - 1u) / (ACROSS * SLICES);

// A vec4 more than there are, so that neighbours lie in different banks: of row DOWN r + d, part c at [r][d][c],
var<workgroup> left_tile: array<array<array<vec4f, ACROSS + 1u>, DOWN>, RUN>;
// and part c of a column at [c][column].
var<workgroup> right_tile: array<array<vec4f, COLUMNS + 1u>, ACROSS>;
var<workgroup> row_numbers: array<f32, ROWS>;

// Squared lengths of the rows, and of the invocation's columns, over the width of keys.
var<workgroup> row_norms: array<f32, ROWS>;
var<private> column_norms: vec4f;

// Rows first, first + 1, ... of a head whose rows begin at base; those from count on read as zeros.
struct Strip {
  base: u32,
  first: u32,
  count: u32,
}

// Where row r of a strip lies, or the last one that counts.
fn strip_row(strip: Strip, r: u32) -> u32 {
  return strip.base + min(strip.first + r, max(strip.count, 1u) - 1u);
}

// The slice of the workgroup.
var<private> slice: u32;

// Finds it; returns the workgroup's first row.
fn first_row(group: u32) -> u32 {
  slice = group % SLICES;
  return group / SLICES * ROWS;
}

// The r-th row of an invocation in its block.
fn own_row(r: u32, lane: u32) -> u32 {
  return lane / ACROSS + DOWN * r;
}

// Which vec4 of a row the p-th is that an invocation sums; past the end of a row there is none.
fn own_part(second: bool, p: u32, lane: u32) -> u32 {
  return (slice * select(SLOTS, VALUE_SLOTS, second) + p) * ACROSS + lane % ACROSS;
}

// Barriers follow before they are read.
fn load_row_norms(own: Strip, lane: u32) {
  if (lane < ROWS) {
    var norm = 0.0;
    for (var c = 0u; c < VEC4S; c++) {
      let part = left_vec4(false, strip_row(own, lane), c);
      norm += dot(part, part);
    }
    row_norms[lane] = norm;
  }
}

// The products of the invocation's rows with its four columns, ACROSS vec4s of the width at a time.
fn multiply_tiles(second: bool, own: Strip, others: Strip, lane: u32) -> array<vec4f, RUN> {
  let width = select(VEC4S, VALUE_VEC4S, second);
  let across = lane % ACROSS;
  var products = array<vec4f, RUN>();
  var norms = vec4f(0.0);
  for (var first = 0u; first < width; first += ACROSS) {
    let depth = min(ACROSS, width - first);
    workgroupBarrier();
    for (var row = lane / ACROSS; row < ROWS; row += DOWN) {
      if (across < depth) {
        let part = left_vec4(second, strip_row(own, row), first + across);
        left_tile[row / DOWN][row % DOWN][across] = select(vec4f(0.0), part, own.first + row < own.count);
      }
    }
    for (var column = lane / ACROSS; column < COLUMNS; column += DOWN) {
      if (across < depth) {
        let part = right_vec4(second, strip_row(others, column), first + across);
        right_tile[across][column] = select(vec4f(0.0), part, others.first + column < others.count);
      }
    }
    workgroupBarrier();
    for (var c = 0u; c < depth; c++) {
      let c0 = right_tile[c][across];
      let c1 = right_tile[c][across + ACROSS];
      let c2 = right_tile[c][across + 2u * ACROSS];
      let c3 = right_tile[c][across + 3u * ACROSS];
      norms += vec4f(dot(c0, c0), dot(c1, c1), dot(c2, c2), dot(c3, c3));
      for (var r = 0u; r < RUN; r++) {
        let row = left_tile[r][lane / ACROSS][c];
        products[r] += vec4f(
          tile_product(second, row, c0),
          tile_product(second, row, c1),
          tile_product(second, row, c2),
          tile_product(second, row, c3),
        );
      }
    }
  }
  if (!second) {
    column_norms = norms;
  }
  return products;
}

// Puts the products of the invocation's pairs where the left tile had its rows: for row r of the invocation one vec4,
// its four columns, at [r][lane / ACROSS][lane % ACROSS].
fn put_products(products: array<vec4f, RUN>, lane: u32) {
  workgroupBarrier();
  for (var r = 0u; r < RUN; r++) {
    left_tile[r][lane / ACROSS][lane % ACROSS] = products[r];
  }
}

// Column groups (columns g, g + ACROSS, g + 2 ACROSS, g + 3 ACROSS) of which the right tile holds a slice: part
// `across` of column k of group g, and every ACROSS further, at [across][(g SLOTS + p) 4 + k]. A pass that sums a width
// has slices that fit.
const GROUPS = 1u << firstLeadingBit(max(ACROSS / SLOTS, 1u));
const VALUE_GROUPS = 1u << firstLeadingBit(max(ACROSS / VALUE_SLOTS, 1u));

// Set once loaded columns have numbers that are not finite. A weight of zero would not hide them, so they are loaded as
// zeros; a pass adds them for the rows that see them, unless their weights are NaN for it already.
var<workgroup> columns_lost: atomic<u32>;

// Loads the slice of the column groups from `group` on.
fn load_columns(second: bool, others: Strip, group: u32, lane: u32) {
  let slots = select(SLOTS, VALUE_SLOTS, second);
  let groups = select(GROUPS, VALUE_GROUPS, second);
  let last = select(VEC4S, VALUE_VEC4S, second) - 1u;
  workgroupBarrier();
  for (var row = lane / ACROSS; row < 4u * groups; row += DOWN) {
    let column = row / groups * ACROSS + group + row % groups;
    for (var p = 0u; p < slots; p++) {
      var part = right_vec4(second, strip_row(others, column), min(own_part(second, p, lane), last));
      if (!is_finite(total(part)) && others.first + column < others.count) {
        part = finite_part(part);
        atomicStore(&columns_lost, 1u);
      }
      right_tile[lane % ACROSS][(row % groups * slots + p) * 4u + row / groups] = select(vec4f(0.0), part, others.first + column < others.count);
    }
  }
  workgroupBarrier();
}

// The invocation's p-th part of the four columns of loaded group g.
fn loaded_columns(second: bool, g: u32, p: u32, lane: u32) -> array<vec4f, 4> {
  let first = (g * select(SLOTS, VALUE_SLOTS, second) + p) * 4u;
  let across = lane % ACROSS;
  return array<vec4f, 4>(right_tile[across][first], right_tile[across][first + 1u], right_tile[across][first + 2u], right_tile[across][first + 3u]);
}

// The numbers of column group g for the invocation's rows.
fn weights_of(g: u32, lane: u32) -> array<vec4f, RUN> {
  var weights = array<vec4f, RUN>();
  for (var r = 0u; r < RUN; r++) {
    weights[r] = left_tile[r][lane / ACROSS][g];
  }
  return weights;
}

// Lays a number for row r where all invocations of a workgroup can find it after a barrier, four rows to a vec4: an
// invocation begins with four = 0 and goes through its rows in order.
fn share(four: vec4f, r: u32, number: f32, lane: u32) -> vec4f {
  let numbers = select(four, vec4f(number), vec4u(0u, 1u, 2u, 3u) == vec4u(r % 4u));
  right_tile[lane % ACROSS][r / 4u * DOWN + lane / ACROSS] = numbers;
  return numbers;
}

// What invocation `across` shared for a row of the block.
fn shared_number(row: u32, across: u32) -> f32 {
  let r = row / DOWN;
  return right_tile[across][r / 4u * DOWN + row % DOWN][r % 4u];
}

// Their sum.
fn shared_sum(row: u32) -> f32 {
  var sum = 0.0;
  for (var across = 0u; across < ACROSS; across++) {
    sum += shared_number(row, across);
  }
  return sum;
}
