// dv_j = sum_i w_ij dout_i and dk_j = sum_i ds_ij (ds/dproduct dproduct/dk + 2 ds/d|k|^2 k_j). One key row an
// invocation, no atomics; queries and output cotangents of every head that shares the key pass by in tiles. Writes
// key_gradients: Stored [rows, dim] and value_gradients: Stored [rows, value_dim].

var<workgroup> tile_queries: array<vec4f, TILE * VEC4S>;
var<workgroup> tile_gradients: array<vec4f, TILE * VALUE_VEC4S>;
var<workgroup> tile_norms: array<f32, TILE>;
var<workgroup> tile_rows: array<vec2f, TILE>;

fn load_query_tile(base: u32, first: u32, lane: u32) {
  workgroupBarrier();
  for (var e = lane; e < TILE * vec4s(); e += ROWS) {
    tile_queries[e] = query_vec4(base + min(first + e / VEC4S, sizes.queries - 1u), e % VEC4S);
  }
  for (var e = lane; e < TILE * value_vec4s(); e += ROWS) {
    tile_gradients[e] = output_gradient_vec4(base + min(first + e / VALUE_VEC4S, sizes.queries - 1u), e % VALUE_VEC4S);
  }
  workgroupBarrier();
  for (var i = lane; i < TILE; i += ROWS) {
    var norm = 0.0;
    for (var c = 0u; c < VEC4S; c++) {
      norm += dot(tile_queries[i * VEC4S + c], tile_queries[i * VEC4S + c]);
    }
    tile_norms[i] = norm;
    tile_rows[i] = statistic_and_delta(base + min(first + i, sizes.queries - 1u));
  }
  workgroupBarrier();
}

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let j = group.x * ROWS + lane;
  let row = (group.z * sizes.key_heads + group.y) * sizes.keys + min(j, sizes.keys - 1u);
  let shared_by = sizes.heads / sizes.key_heads;

  var key: array<vec4f, VEC4S>;
  var value: array<vec4f, VALUE_VEC4S>;
  var key_gradient: array<vec4f, VEC4S>;
  var value_gradient: array<vec4f, VALUE_VEC4S>;
  var key_norm = 0.0;
  var by_norm = 0.0;
  for (var c = 0u; c < vec4s(); c++) {
    key[c] = key_vec4(row, c);
    key_norm += dot(key[c], key[c]);
  }
  for (var c = 0u; c < value_vec4s(); c++) {
    value[c] = value_vec4(row, c);
  }

  let seen_by = visible_queries(group.z, group.x * ROWS, group.x * ROWS + ROWS - 1u);
  for (var head = group.y * shared_by; head < (group.y + 1u) * shared_by; head++) {
    load_parameters(head);
    let base = (group.z * sizes.heads + head) * sizes.queries;
    for (var first = seen_by.x; first < seen_by.y; first += TILE) {
      load_query_tile(base, first, lane);
      let count = min(TILE, seen_by.y - first);
      for (var i = 0u; i < count; i++) {
        var product = 0.0;
        for (var c = 0u; c < VEC4S; c++) {
          product += pair_product(tile_queries[i * VEC4S + c], key[c]);
        }
        let pair = Pair(product, tile_norms[i], key_norm);
        let s = visible_score(pair, Place(group.z, head, first + i, j));
        if (!is_visible(s)) {
          continue;
        }
        var weight_gradient = 0.0;
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          weight_gradient += dot(tile_gradients[i * VALUE_VEC4S + c], value[c]);
        }
        let statistic = tile_rows[i].x;
        let w = normalized_weight(s, statistic);
        let ds = score_gradient(s, w, weight_gradient, tile_rows[i].y, statistic) * bend_derivative(pair);
        let partials = score_partials(pair);
        by_norm += ds * partials.key_norm;
        for (var c = 0u; c < VEC4S; c++) {
          key_gradient[c] += ds * partials.product * pair_by_key(tile_queries[i * VEC4S + c], key[c]);
        }
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          value_gradient[c] += w * tile_gradients[i * VALUE_VEC4S + c];
        }
      }
    }
  }

  if (j < sizes.keys) {
    for (var c = 0u; c < vec4s(); c++) {
      store_key_gradients(row, c, sizes.dim, key_gradient[c] + by_length(by_norm, key[c]));
    }
    for (var c = 0u; c < value_vec4s(); c++) {
      store_value_gradients(row, c, sizes.value_dim, value_gradient[c]);
    }
  }
}
