// Functions of one number (a, b are constants of the call) and of two (c is).
fn f_affine(x: f32, a: f32, b: f32) -> f32 { return a * x + b; }

// x^a as IEEE 754 has it; b is 0 for an even exponent, 1 for an odd one, 2 for one that is not whole. WGSL's pow has no
// value for negative x, and compilers may assume that no number is NaN or infinite: such results are chosen as bits.
// Those of b are among the bits of NaN and infinity.
fn f_power(x: f32, a: f32, b: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  let infinite = (bitcast<u32>(b) & 0x3f800000u) | 0x7f800000u;
  let minus = select(0u, bits & 0x80000000u, b == 1.0);
  let isSmall = size < 0x00800000u; // zero; smaller numbers may count as zero
  let regular = bitcast<u32>(pow(bitcast<f32>(clamp(size, 0x00800000u, 0x7f7fffffu)), a));
  let edge = select(0u, infinite, isSmall == (a < 0.0));
  let magnitude = select(regular, edge, isSmall | (size == 0x7f800000u));
  let isUndefined = (b == 2.0) & (bits > 0x807fffffu) & (bits < 0xff800000u);
  let result = select(magnitude | minus, infinite | 0x00400000u, isUndefined);
  let known = select(result, bits, (size > 0x7f800000u) | ((a == 1.0) & (b == 1.0)));
  return bitcast<f32>(select(known, 0x3f800000u, (a == 0.0) & (b == 0.0)));
}

fn f_exp(x: f32, a: f32, b: f32) -> f32 { return exponential(x); }
fn f_log(x: f32, a: f32, b: f32) -> f32 { return logarithm(x); }
fn f_sqrt(x: f32, a: f32, b: f32) -> f32 { return sqrt(x); }
fn f_abs(x: f32, a: f32, b: f32) -> f32 { return abs(x); }
fn f_sign(x: f32, a: f32, b: f32) -> f32 { return unless_nan(sign(x), x); }
fn f_square(x: f32, a: f32, b: f32) -> f32 { return x * x; }

// Some drivers overflow inside tanh; beyond 9.1 it is 1 in float32 anyway.
fn bounded_tanh(x: f32) -> f32 { return unless_nan(tanh(clamp(x, -9.1, 9.1)), x); }

fn f_tanh(x: f32, a: f32, b: f32) -> f32 { return bounded_tanh(x); }
fn f_sigmoid(x: f32, a: f32, b: f32) -> f32 { return 1.0 / (1.0 + exponential(-x)); }
fn f_relu(x: f32, a: f32, b: f32) -> f32 { return at_least(x, 0.0); }
fn f_step(x: f32, a: f32, b: f32) -> f32 { return unless_nan(select(0.0, 1.0, x > 0.0), x); }

const GELU = 0.7978845608028654; // sqrt(2/pi)
const CUBIC = 0.044715;

fn f_gelu(x: f32, a: f32, b: f32) -> f32 {
  return 0.5 * x * (1.0 + bounded_tanh(GELU * (x + CUBIC * x * x * x)));
}

fn f_geluDerivative(x: f32, a: f32, b: f32) -> f32 {
  let t = bounded_tanh(GELU * (x + CUBIC * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * GELU * (1.0 + 3.0 * CUBIC * x * x);
}

fn f_eluPlusOne(x: f32, a: f32, b: f32) -> f32 { return unless_nan(select(exp(min(x, 0.0)), x + 1.0, x > 0.0), x); }
fn f_eluDerivative(x: f32, a: f32, b: f32) -> f32 { return unless_nan(select(exp(min(x, 0.0)), 1.0, x > 0.0), x); }

// WGSL lets sin, cos and atan2 be wrong in the fourth digit. Below: reduction to |r| <= pi/4 by pi/2 in three parts,
// and the polynomials of the Cephes library.
fn circular(x: f32, quarters: i32) -> f32 {
  let n = round(x * 0.6366197723675814);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.549789948768648e-8;
  let z = r * r;
  let s = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
  let c = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
  let quadrant = (i32(n) + quarters) & 3;
  let magnitude = select(s, c, (quadrant & 1) == 1);
  return unless_nan(select(magnitude, -magnitude, quadrant >= 2), r);
}

fn f_sin(x: f32, a: f32, b: f32) -> f32 { return circular(x, 0); }
fn f_cos(x: f32, a: f32, b: f32) -> f32 { return circular(x, 1); }

fn f_atan2(y: f32, x: f32, c: f32) -> f32 {
  let smaller = min(abs(x), abs(y));
  let larger = max(abs(x), abs(y));
  let ratio = select(smaller / larger, 0.0, larger == 0.0);
  let steep = ratio > 0.4142135623730950;
  let t = select(ratio, (ratio - 1.0) / (ratio + 1.0), steep);
  let z = t * t;
  let arc = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * t + t;
  let first = arc + select(0.0, 0.7853981633974483, steep);
  let second = select(first, 1.5707963267948966 - first, abs(y) > abs(x));
  let angle = select(second, 3.141592653589793 - second, x < 0.0);
  return unless_nan(select(angle, -angle, y < 0.0), x + y);
}

fn f_isFinite(x: f32, a: f32, b: f32) -> f32 { return select(0.0, 1.0, is_finite(x)); }

fn f_add(x: f32, y: f32, c: f32) -> f32 { return x + y; }
fn f_subtract(x: f32, y: f32, c: f32) -> f32 { return x - y; }
fn f_multiply(x: f32, y: f32, c: f32) -> f32 { return x * y; }
fn f_divide(x: f32, y: f32, c: f32) -> f32 { return x / y; }
fn f_addScaled(x: f32, y: f32, c: f32) -> f32 { return x + c * y; }
fn f_equal(x: f32, y: f32, c: f32) -> f32 { return select(0.0, 1.0, x == y); }
fn f_where(x: f32, y: f32, c: f32) -> f32 { return select(x, c, y == 0.0); }
