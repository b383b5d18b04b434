// Rows of a result, four components at a time, for rows of any width. Stored is the number in memory, f32 or f16.
fn store_results(row: u32, part: u32, width: u32, value: vec4f) {
  for (var s = 0u; s < 4u; s++) {
    if (part * 4u + s < width) {
      results[row * width + part * 4u + s] = Stored(value[s]);
    }
  }
}
