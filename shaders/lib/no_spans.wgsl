fn key_span(batch: u32, first: u32, last: u32) -> vec2u {
  return vec2u(0u, sizes.keys);
}

fn query_span(batch: u32, first: u32, last: u32) -> vec2u {
  return vec2u(0u, sizes.queries);
}

fn in_span(place: Place) -> bool {
  return true;
}
