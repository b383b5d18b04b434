// What a matrix product adds to its columns. Reads bias: Number [columns].
fn biased(sum: Number, at: u32) -> Number {
  return sum + bias[at];
}
