// What every tiled attention pass reads. Constants of the header: VEC4S and VALUE_VEC4S, the head widths d and dv in
// vec4s; TILE, keys (or queries) in workgroup memory at a time; ROWS, invocations of a workgroup, one row each. Query i
// sees key j where low <= j - i <= high. Reads parameters: f32 [heads, parameters].

// The score of a pair that the mask hides, the lowest number. A bias from HIDING down hides its pair too.
const HIDDEN = -0x1.fffffep127;

// One query and the key it looks at.
struct Place {
  batch: u32,
  head: u32,
  i: u32,
  j: u32,
}

fn load_parameters(head: u32) {
  for (var p = 0u; p < min(sizes.parameters, 4u); p++) {
    learned[p] = parameters[head * sizes.parameters + p];
  }
}

// The row of keys and values where those of a query head begin.
fn first_key_row(batch: u32, head: u32) -> u32 {
  return (batch * sizes.key_heads + head / (sizes.heads / sizes.key_heads)) * sizes.keys;
}

// Keys that any of the queries first .. last may see: from x to before y.
fn visible_keys(batch: u32, first: u32, last: u32) -> vec2u {
  let span = key_span(batch, first, last);
  let start = max(i32(first) + sizes.low, i32(max(key_padding(batch), span.x)));
  let end = min(i32(last) + sizes.high + 1, i32(min(key_count(batch), span.y)));
  let counts = first < query_count(batch) && last >= query_padding(batch);
  return select(vec2u(0u), vec2u(u32(start), u32(max(start, end))), counts);
}

// Queries that may see any of the keys first .. last: from x to before y.
fn visible_queries(batch: u32, first: u32, last: u32) -> vec2u {
  let span = query_span(batch, first, last);
  let start = max(i32(first) - sizes.high, i32(max(query_padding(batch), span.x)));
  let end = min(i32(last) - sizes.low + 1, i32(min(query_count(batch), span.y)));
  let counts = first < key_count(batch) && last >= key_padding(batch);
  return select(vec2u(0u), vec2u(u32(start), u32(max(start, end))), counts);
}

// Whether the mask lets the query see the key.
fn is_seen(place: Place) -> bool {
  let step = i32(place.j) - i32(place.i);
  let in_band = (step >= sizes.low) & (step <= sizes.high);
  let query_counts = (place.i >= query_padding(place.batch)) & (place.i < query_count(place.batch));
  let key_counts = (place.j >= key_padding(place.batch)) & (place.j < key_count(place.batch));
  return in_band & query_counts & key_counts & in_span(place) & !is_hiding(bias_at(place));
}

// From -infinity to HIDING, in the order of the bits of negative numbers; NaN does not hide.
fn is_hiding(bias: f32) -> bool {
  return bitcast<u32>(bias) - bitcast<u32>(HIDING) <= 0xff800000u - bitcast<u32>(HIDING);
}

// The kernel's score, bent, with the bias, or HIDDEN. NaN and infinity in a query or a key make it NaN.
fn visible_score(pair: Pair, place: Place) -> f32 {
  if (!is_seen(place)) {
    return HIDDEN;
  }
  return select(nan(), bend(score(pair)) + bias_at(place), is_finite(pair.product));
}

fn is_visible(score: f32) -> bool {
  return bitcast<u32>(score) != bitcast<u32>(HIDDEN);
}

// What |x|^2 adds to a gradient by x; nothing where no pair was seen, whatever x is.
fn by_length(by_norm: f32, x: vec4f) -> vec4f {
  return select(2.0 * by_norm * x, vec4f(0.0), by_norm == 0.0);
}
