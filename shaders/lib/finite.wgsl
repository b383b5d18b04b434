// NaN and infinity. Compilers may assume that there are none, and max, min, clamp and comparisons lose NaN: only bits
// tell.
const EXPONENT = 0x7f800000u;

fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > EXPONENT;
}

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & EXPONENT) != EXPONENT;
}

// A variable, because constants must be finite.
var<private> quiet_bits: u32 = 0x7fc00000u;
var<private> infinity_bits: u32 = EXPONENT;

fn nan() -> f32 {
  return bitcast<f32>(quiet_bits);
}

// A function's value at x, and NaN at NaN.
fn unless_nan(value: f32, x: f32) -> f32 {
  return select(value, x, is_nan(x));
}

// Some drivers give exp and log a finite value at NaN, and log one at zero.
fn exponential(x: f32) -> f32 {
  return unless_nan(exp(x), x);
}

fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let value = select(bitcast<u32>(log(x)), bits, bits >= EXPONENT);
  let from_zero = select(value, infinity_bits | 0x80000000u, (bits << 1u) == 0u);
  return bitcast<f32>(select(from_zero, quiet_bits, bits > 0x80000000u)); // NaN below zero
}

fn at_least(x: f32, bound: f32) -> f32 {
  return unless_nan(max(x, bound), x);
}

// Zeros in the place of what is not finite, and of what is.
fn finite_part(part: vec4f) -> vec4f {
  return select(vec4f(0.0), part, (bitcast<vec4u>(part) & vec4u(EXPONENT)) != vec4u(EXPONENT));
}

fn lost_part(part: vec4f) -> vec4f {
  return select(vec4f(0.0), part, (bitcast<vec4u>(part) & vec4u(EXPONENT)) == vec4u(EXPONENT));
}

// Their sum, which is not finite where one of them is not (and where it overflows).
fn total(part: vec4f) -> f32 {
  return (part.x + part.y) + (part.z + part.w);
}
