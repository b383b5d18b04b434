// One invocation for each of `sizes.count` elements of a job, which may be folded over two dimensions of workgroups.
@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * GROUP + lane;
  if (index < sizes.count) {
    element(index);
  }
}
