fn bias_at(place: Place) -> f32 {
  return 0.0;
}
