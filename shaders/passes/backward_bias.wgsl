// dbias = sum of ds over the pairs that share the element. One element of the bias an invocation, no atomics.
// QUERY_STEP and KEY_STEP lead from a pair to the next that shares its element: both 0 where it belongs to one pair of
// tokens, both 1 where to all with the same i - j, in one batch entry and one head or in all. With one of them 1 the
// element is a query's, or a key's, of one batch entry and head; a reduction sums the rest afterwards. Writes
// bias_gradients: f32.

fn score_gradient_at(place: Place) -> f32 {
  let query_row = (place.batch * sizes.heads + place.head) * sizes.queries + place.i;
  let key_row = first_key_row(place.batch, place.head) + place.j;
  var pair = Pair(0.0, 0.0, 0.0);
  for (var c = 0u; c < VEC4S; c++) {
    let query = query_vec4(query_row, c);
    let key = key_vec4(key_row, c);
    pair.product += pair_product(query, key);
    pair.query_norm += dot(query, query);
    pair.key_norm += dot(key, key);
  }
  let s = visible_score(pair, place);
  if (!is_visible(s)) {
    return 0.0;
  }
  var weight_gradient = 0.0;
  for (var c = 0u; c < VALUE_VEC4S; c++) {
    weight_gradient += dot(output_gradient_vec4(query_row, c), value_vec4(key_row, c));
  }
  let row = statistic_and_delta(query_row);
  return score_gradient(s, normalized_weight(s, row.x), weight_gradient, row.y, row.x);
}

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * ROWS + lane;
  let relative = QUERY_STEP == 1u && KEY_STEP == 1u;
  let by_token = QUERY_STEP != KEY_STEP;
  let columns = select(sizes.keys, 1u, KEY_STEP > QUERY_STEP);
  let width = select(select(sizes.queries, 1u, QUERY_STEP > KEY_STEP) * columns, sizes.queries + sizes.keys - 1u, relative);
  let bias_heads = select(1u, sizes.heads, by_token || sizes.bias_head != 0);
  let bias_batches = select(1u, sizes.batches, by_token || sizes.bias_batch != 0);
  if (index >= width * bias_heads * bias_batches) {
    return;
  }
  let inner = index % width;
  let head = index / width % bias_heads;
  let batch = index / width / bias_heads;
  // The first pair of the element, and which of those that follow it count: steps x to before y.
  var i = inner / columns;
  var j = inner % columns;
  var steps = vec2u(0u, 1u);
  if (relative) {
    i = max(inner, sizes.keys - 1u) - (sizes.keys - 1u);
    j = i + sizes.keys - 1u - inner;
    steps.y = min(sizes.queries - i, sizes.keys - j);
  } else if (QUERY_STEP == 1u) {
    steps = visible_queries(batch, j, j);
  } else if (KEY_STEP == 1u) {
    steps = visible_keys(batch, i, i);
  }
  var sum = 0.0;
  for (var b = batch; b < sizes.batches; b += bias_batches) {
    for (var h = head; h < sizes.heads; h += bias_heads) {
      load_parameters(h);
      for (var t = steps.x; t < steps.y; t++) {
        sum += score_gradient_at(Place(b, h, i + t * QUERY_STEP, j + t * KEY_STEP));
      }
    }
  }
  bias_gradients[index] = sum;
}
