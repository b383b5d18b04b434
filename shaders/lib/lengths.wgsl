// Which queries and keys of every batch entry count: the first query, the one after the last, and the same of keys.
// Reads lengths: vec4u [batches].

// Queries before the first that counts.
fn query_padding(batch: u32) -> u32 {
  return lengths[batch].x;
}

// Queries up to the last that counts.
fn query_count(batch: u32) -> u32 {
  return lengths[batch].y;
}

fn key_padding(batch: u32) -> u32 {
  return lengths[batch].z;
}

fn key_count(batch: u32) -> u32 {
  return lengths[batch].w;
}
