// The row of parameter gradients of every query as in passes/backward_parameters.wgsl, by blocks in registers.
// Writes parameter_gradients: f32 [rows, parameters].

fn left_vec4(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return output_gradient_vec4(row, part);
  }
  return query_vec4(row, part);
}

fn tile_product(second: bool, left: vec4f, right: vec4f) -> f32 {
  if (second) {
    return dot(left, right);
  }
  return pair_product(left, right);
}

fn parameter_gradient(pair: Pair, weight_gradient: f32, numbers: vec2f, place: Place) -> vec4f {
  let s = visible_score(pair, place);
  if (!is_visible(s)) {
    return vec4f(0.0);
  }
  let ds = score_gradient(s, normalized_weight(s, numbers.x), weight_gradient, numbers.y, numbers.x);
  return ds * bend_derivative(pair) * score_by_parameters(pair);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = Strip((place.z * sizes.heads + place.y) * sizes.queries, first_row(place.x), query_count(place.z));
  let base = first_key_row(place.z, place.y);
  load_parameters(place.y);
  load_row_norms(own, lane);

  var gradients: array<vec4f, RUN>;
  let keys_seen = visible_keys(place.z, own.first, own.first + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += COLUMNS) {
    let others = Strip(base, first, key_count(place.z));
    let weight_gradients = multiply_tiles(true, own, others, lane);
    let products = multiply_tiles(false, own, others, lane);
    for (var r = 0u; r < RUN; r++) {
      let norm = row_norms[own_row(r, lane)];
      let numbers = statistic_and_delta(strip_row(own, own_row(r, lane)));
      for (var k = 0u; k < 4u; k++) {
        let at = Place(place.z, place.y, own.first + own_row(r, lane), first + lane % ACROSS + ACROSS * k);
        gradients[r] += parameter_gradient(Pair(products[r][k], norm, column_norms[k]), weight_gradients[r][k], numbers, at);
      }
    }
  }

  put_products(gradients, lane);
  workgroupBarrier();
  if (lane < ROWS && own.first + lane < sizes.queries) {
    var gradient = vec4f(0.0);
    for (var across = 0u; across < ACROSS; across++) {
      gradient += left_tile[lane / DOWN][lane % DOWN][across];
    }
    for (var p = 0u; p < sizes.parameters; p++) {
      parameter_gradients[(own.base + own.first + lane) * sizes.parameters + p] = gradient[p];
    }
  }
}
