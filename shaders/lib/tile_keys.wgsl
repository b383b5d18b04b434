// The columns of the passes whose rows are queries: keys, and values for the second product.
fn right_part(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return value_part(row, part);
  }
  return key_part(row, part);
}
