// m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, p' = p - rate (m'/c1) / (sqrt(v'/c2) + epsilon)
struct Sizes {
  count: u32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  correction1: f32,
  correction2: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> first: array<f32>;
@group(0) @binding(4) var<storage, read> second: array<f32>;
@group(0) @binding(5) var<storage, read_write> new_parameter: array<f32>;
@group(0) @binding(6) var<storage, read_write> new_first: array<f32>;
@group(0) @binding(7) var<storage, read_write> new_second: array<f32>;

fn element(index: u32) {
  let g = gradient[index];
  let m = sizes.beta1 * first[index] + (1.0 - sizes.beta1) * g;
  let v = sizes.beta2 * second[index] + (1.0 - sizes.beta2) * g * g;
  new_first[index] = m;
  new_second[index] = v;
  new_parameter[index] = parameter[index] - sizes.rate * (m / sizes.correction1) / (sqrt(v / sizes.correction2) + sizes.epsilon);
}
