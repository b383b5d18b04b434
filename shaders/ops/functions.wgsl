// Functions of one number (a, b are constants of the call) and of two (c is).
fn f_affine(x: f32, a: f32, b: f32) -> f32 { return a * x + b; }

// x^a; WGSL's pow has no value for negative x, where only whole exponents make sense.
fn f_power(x: f32, a: f32, b: f32) -> f32 {
  let magnitude = pow(abs(x), a);
  return select(magnitude, -magnitude, x < 0.0 && abs(a % 2.0) == 1.0);
}

fn f_exp(x: f32, a: f32, b: f32) -> f32 { return exp(x); }
fn f_log(x: f32, a: f32, b: f32) -> f32 { return log(x); }
fn f_sqrt(x: f32, a: f32, b: f32) -> f32 { return sqrt(x); }
fn f_abs(x: f32, a: f32, b: f32) -> f32 { return abs(x); }
fn f_sign(x: f32, a: f32, b: f32) -> f32 { return sign(x); }
fn f_square(x: f32, a: f32, b: f32) -> f32 { return x * x; }

// Some drivers overflow inside tanh; beyond 9.1 it is 1 in float32 anyway.
fn bounded_tanh(x: f32) -> f32 { return tanh(clamp(x, -9.1, 9.1)); }

fn f_tanh(x: f32, a: f32, b: f32) -> f32 { return bounded_tanh(x); }
fn f_sigmoid(x: f32, a: f32, b: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }
fn f_relu(x: f32, a: f32, b: f32) -> f32 { return max(x, 0.0); }
fn f_step(x: f32, a: f32, b: f32) -> f32 { return select(0.0, 1.0, x > 0.0); }

const GELU = 0.7978845608028654; // sqrt(2/pi)
const CUBIC = 0.044715;

fn f_gelu(x: f32, a: f32, b: f32) -> f32 {
  return 0.5 * x * (1.0 + bounded_tanh(GELU * (x + CUBIC * x * x * x)));
}

fn f_geluDerivative(x: f32, a: f32, b: f32) -> f32 {
  let t = bounded_tanh(GELU * (x + CUBIC * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * GELU * (1.0 + 3.0 * CUBIC * x * x);
}

fn f_eluPlusOne(x: f32, a: f32, b: f32) -> f32 { return select(exp(min(x, 0.0)), x + 1.0, x > 0.0); }
fn f_eluDerivative(x: f32, a: f32, b: f32) -> f32 { return select(exp(min(x, 0.0)), 1.0, x > 0.0); }

fn f_add(x: f32, y: f32, c: f32) -> f32 { return x + y; }
fn f_subtract(x: f32, y: f32, c: f32) -> f32 { return x - y; }
fn f_multiply(x: f32, y: f32, c: f32) -> f32 { return x * y; }
fn f_divide(x: f32, y: f32, c: f32) -> f32 { return x / y; }
fn f_addScaled(x: f32, y: f32, c: f32) -> f32 { return x + c * y; }
fn f_equal(x: f32, y: f32, c: f32) -> f32 { return select(0.0, 1.0, x == y); }
