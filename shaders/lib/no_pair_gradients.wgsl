// Nobody asks for the cotangents of the scores.
fn keep_score_gradient(place: Place, gradient: f32) {
}
