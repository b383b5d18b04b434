// How many queries and keys of every batch entry count.
@group(0) @binding(11) var<storage, read> lengths: array<vec2u>;

fn query_count(batch: u32) -> u32 {
  return lengths[batch].x;
}

fn key_count(batch: u32) -> u32 {
  return lengths[batch].y;
}
