// Rows of a result, four components at a time, for widths that are multiples of four. Stored is a vec4 of f32 or f16.
fn store_results(row: u32, part: u32, width: u32, value: vec4f) {
  results[row * (width / 4u) + part] = Stored(value);
}
