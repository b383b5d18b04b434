// The columns of the passes whose rows are queries: keys, and values for the second product.
fn right_vec4(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return value_vec4(row, part);
  }
  return key_vec4(row, part);
}
