fn query_padding(batch: u32) -> u32 {
  return 0u;
}

fn query_count(batch: u32) -> u32 {
  return sizes.queries;
}

fn key_padding(batch: u32) -> u32 {
  return 0u;
}

fn key_count(batch: u32) -> u32 {
  return sizes.keys;
}
