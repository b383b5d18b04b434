import { execFileSync } from "node:child_process";

// What every bench does: check first, then time batches of work between two completion waits, without a readback in between.
export function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** Milliseconds of one call of `work`: median, 10th and 90th percentile over `runs` batches of at least `batchMs`. */
export async function time(work, finish, { runs, batchMs = 50 }) {
  const batch = async (calls) => {
    const start = performance.now();
    for (let call = 0; call < calls; call++) work();
    await finish();
    return performance.now() - start;
  };
  await batch(1); // compiles
  const calls = Math.max(1, Math.ceil(batchMs / (await batch(1))));
  const samples = [];
  for (let run = 0; run < runs; run++) samples.push((await batch(calls)) / calls);
  samples.sort((a, b) => a - b);
  return { median: quantile(samples, 0.5), p10: quantile(samples, 0.1), p90: quantile(samples, 0.9), samples: runs, calls };
}

/** The largest difference, over the largest number. */
export function relativeError(actual, exact) {
  let [difference, scale] = [0, 0];
  exact.forEach((value, index) => {
    difference = Math.max(difference, Math.abs(value - actual[index]));
    scale = Math.max(scale, Math.abs(value));
  });
  return difference / scale;
}

/** The commit of the sources, where there are any. */
export function commit() {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}
