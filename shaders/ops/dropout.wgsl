// y_i = scale x_i, or 0 where the hash of i and the key is below the threshold. A dropped x_i that is not finite gives NaN.
// Reads x, writes y: f32.

// "lowbias32" of C. Wellons
fn hash(word: u32) -> u32 {
  var bits = word;
  bits = (bits ^ (bits >> 16u)) * 0x7feb352du;
  bits = (bits ^ (bits >> 15u)) * 0x846ca68bu;
  return bits ^ (bits >> 16u);
}

fn element(index: u32) {
  let value = x[index];
  let dropped = select(nan(), 0.0, is_finite(value));
  y[index] = select(sizes.scale * value, dropped, hash(hash(index) + sizes.key) < sizes.threshold);
}
