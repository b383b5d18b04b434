// dx = r (u - mean(u) - n mean(n u)), u = scale dy
// Reads normalized and dy [count, width], reciprocals [count] and scale [width], writes dx [count, width]: f32.

fn element(row: u32) {
  let start = row * sizes.width;
  var mean = 0.0;
  var inner = 0.0;
  for (var c = 0u; c < sizes.width; c++) {
    let u = dy[start + c] * scale[c];
    mean += u;
    inner += normalized[start + c] * u;
  }
  mean /= f32(sizes.width);
  inner /= f32(sizes.width);
  for (var c = 0u; c < sizes.width; c++) {
    dx[start + c] = reciprocals[row] * (dy[start + c] * scale[c] - mean - normalized[start + c] * inner);
  }
}
