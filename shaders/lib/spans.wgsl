// The run of keys that every query sees, of which neither the first nor the end decreases from query to query. Reads
// lengths: vec4u [batches + batches * tokens], tokens the larger of queries and keys: after what lib/lengths.wgsl reads,
// for every token the first key that it sees as a query, the one after the last, and the same of the queries that see
// it as a key.

fn span_of(batch: u32, token: u32) -> vec4u {
  return lengths[sizes.batches + batch * max(sizes.queries, sizes.keys) + token];
}

// Keys that any of the queries first .. last may see: from x to before y.
fn key_span(batch: u32, first: u32, last: u32) -> vec2u {
  return vec2u(span_of(batch, first).x, span_of(batch, min(last, sizes.queries - 1u)).y);
}

// Queries that may see any of the keys first .. last: from x to before y.
fn query_span(batch: u32, first: u32, last: u32) -> vec2u {
  return vec2u(span_of(batch, first).z, span_of(batch, min(last, sizes.keys - 1u)).w);
}

fn in_span(place: Place) -> bool {
  let span = span_of(place.batch, min(place.i, sizes.queries - 1u));
  return (place.j >= span.x) & (place.j < span.y);
}
