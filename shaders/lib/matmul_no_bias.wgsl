fn biased(sum: Number, at: u32) -> Number {
  return sum;
}
