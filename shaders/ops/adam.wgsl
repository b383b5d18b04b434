// m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, p' = p - rate (m'/c1) / (sqrt(v'/c2) + epsilon)
// Reads parameter, gradient, first and second, writes new_parameter, new_first and new_second: f32 [count].

fn element(index: u32) {
  let g = gradient[index];
  let m = sizes.beta1 * first[index] + (1.0 - sizes.beta1) * g;
  let v = sizes.beta2 * second[index] + (1.0 - sizes.beta2) * g * g;
  new_first[index] = m;
  new_second[index] = v;
  new_parameter[index] = parameter[index] - sizes.rate * (m / sizes.correction1) / (sqrt(v / sizes.correction2) + sizes.epsilon);
}
