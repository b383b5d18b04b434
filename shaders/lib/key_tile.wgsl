// A tile of keys and values in workgroup memory.
var<workgroup> tile_keys: array<vec4f, TILE * VEC4S>;
var<workgroup> tile_values: array<vec4f, TILE * VALUE_VEC4S>;
var<workgroup> tile_norms: array<f32, TILE>;

// Loads keys first .. first + TILE - 1 of the head that starts at `base`; zeros past the last key.
fn load_key_tile(base: u32, first: u32, lane: u32) {
  workgroupBarrier();
  for (var e = lane; e < TILE * vec4s(); e += ROWS) {
    let key = first + e / VEC4S;
    tile_keys[e] = select(vec4f(0.0), key_vec4(base + min(key, sizes.keys - 1u), e % VEC4S), key < sizes.keys);
  }
  for (var e = lane; e < TILE * value_vec4s(); e += ROWS) {
    let key = first + e / VALUE_VEC4S;
    tile_values[e] = select(vec4f(0.0), value_vec4(base + min(key, sizes.keys - 1u), e % VALUE_VEC4S), key < sizes.keys);
  }
  workgroupBarrier();
  for (var j = lane; j < TILE; j += ROWS) {
    var norm = 0.0;
    for (var c = 0u; c < VEC4S; c++) {
      norm += dot(tile_keys[j * VEC4S + c], tile_keys[j * VEC4S + c]);
    }
    tile_norms[j] = norm;
  }
  workgroupBarrier();
}
