// a / b in whole numbers, by floating point: adapters without a vector integer division take one lane at a time for a /
// b. The float quotient is off by at most a 2^22nd part; the remainder corrects it, exactly.
fn quotient(a: u32, b: u32) -> u32 {
  let reciprocal = 1.0 / f32(b);
  let near = u32(f32(a) * reciprocal);
  let rest = i32(a - near * b);
  let step = i32(floor(f32(rest) * reciprocal));
  let close = i32(near) + step;
  let left = rest - step * i32(b);
  return u32(close + select(0, 1, left >= i32(b)) - select(0, 1, left < 0));
}
