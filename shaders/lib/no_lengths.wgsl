fn query_count(batch: u32) -> u32 {
  return sizes.queries;
}

fn key_count(batch: u32) -> u32 {
  return sizes.keys;
}
