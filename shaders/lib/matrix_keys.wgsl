// What the passes over query rows have in workgroup memory: a block of queries, and tiles of keys and values.
const QUERIES = 0u;
const KEYS = QUERIES + BLOCK * STRIDE;
const VALUES = KEYS + TILE * STRIDE;
const AFTER_VALUES = VALUES + TILE * VALUE_STRIDE;

var<workgroup> query_norms: array<f32, BLOCK>;
var<workgroup> key_norms: array<f32, TILE>;

// Queries first .. first + BLOCK - 1 of the head that starts at `start`; zeros past the last of `count` queries.
fn load_queries(start: u32, first: u32, count: u32) {
  for (var e = lane; e < BLOCK * WIDTH / 4u; e += LANES) {
    let r = e / (WIDTH / 4u);
    let c = e % (WIDTH / 4u);
    let loaded = query_vec4(start + min(first + r, sizes.queries - 1u), min(c, VEC4S - 1u));
    put_vec4(QUERIES + r * STRIDE + c * 4u, select(vec4f(0.0), loaded, (c < VEC4S) & (first + r < count)));
  }
  workgroupBarrier();
  for (var r = lane; r < BLOCK; r += LANES) {
    query_norms[r] = squared_length(QUERIES + r * STRIDE);
  }
}

// Keys and values first .. first + TILE - 1 of the head that starts at `base`; zeros past the last of `count` keys.
fn load_keys(base: u32, first: u32, count: u32) {
  workgroupBarrier();
  for (var e = lane; e < TILE * WIDTH / 4u; e += LANES) {
    let r = e / (WIDTH / 4u);
    let c = e % (WIDTH / 4u);
    let loaded = key_vec4(base + min(first + r, sizes.keys - 1u), min(c, VEC4S - 1u));
    put_vec4(KEYS + r * STRIDE + c * 4u, select(vec4f(0.0), loaded, (c < VEC4S) & (first + r < count)));
  }
  for (var e = lane; e < TILE * VALUE_WIDTH / 4u; e += LANES) {
    let r = e / (VALUE_WIDTH / 4u);
    let c = e % (VALUE_WIDTH / 4u);
    let loaded = value_vec4(base + min(first + r, sizes.keys - 1u), min(c, VALUE_VEC4S - 1u));
    put_vec4(VALUES + r * VALUE_STRIDE + c * 4u, select(vec4f(0.0), loaded, (c < VALUE_VEC4S) & (first + r < count)));
  }
  workgroupBarrier();
  for (var r = lane; r < TILE; r += LANES) {
    key_norms[r] = squared_length(KEYS + r * STRIDE);
  }
}
