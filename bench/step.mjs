// npm run bench:step: profiles the training step of an encoder, in JavaScript and on the device.
import { Command } from "commander";
import { requestGpu } from "../dist/index.js";
import { BATCH, encoderOptions, encoderProblem, encoderStep } from "./encoder.mjs";
import { median, time, warmUpCalls } from "./timing.mjs";

const { runs } = new Command("npm run bench:step --")
  .description("Profiles the training step of an encoder, pass by pass.")
  .option("--runs <count>", "steps to take the median of", Number, 9)
  .parse()
  .opts();

/** Warm-up steps, in which shaders and JavaScript are compiled. */
const WARM = 50;
const COUNTED = 50;

const problem = await encoderProblem();

/** Milliseconds of JavaScript alone, with Dawn's null backend, which validates every command and computes nothing. */
async function inJavaScript() {
  const gpu = await requestGpu({ dawn: ["backend=null"] });
  const step = encoderStep(gpu, problem);
  const samples = [];
  for (let run = 0; run < WARM + COUNTED; run++) {
    const start = performance.now();
    step().dispose();
    const finished = gpu.finish(); // submits what was recorded
    if (run >= WARM) samples.push(performance.now() - start);
    await finished;
  }
  gpu.dispose();
  return median(samples);
}

const javaScript = await inJavaScript();
const gpu = await requestGpu({ dawn: ["disable-dawn-features=timestamp_quantization"] });
const step = encoderStep(gpu, problem);
const { heads, tokens: n } = encoderOptions;
for (let call = 0; call < warmUpCalls({ batch: BATCH, heads, n }); call++) step().dispose();
const { median: whole } = await time(
  () => step().dispose(),
  () => gpu.finish(),
  { runs, batchMs: 0 },
);
console.log(
  `${gpu.device.name} (${gpu.device.kind}): batch ${BATCH}, n = ${encoderOptions.tokens}, width ` +
    `${encoderOptions.width}, ${encoderOptions.layers} layers, Adam; times are medians of ${runs} steps, ` +
    "the table is one",
);
console.log(`a step: ${whole.toFixed(1)} ms; its JavaScript: ${javaScript.toFixed(1)} ms`);
if (gpu.hasTimestamps) {
  const { result, passes } = await gpu.profile(step);
  result.dispose();
  const sum = passes.reduce((all, { ms }) => all + ms, 0);
  console.table(
    passes.map(({ pass, calls, ms }) => ({
      pass,
      calls,
      ms: ms.toFixed(2),
      share: `${((100 * ms) / sum).toFixed(1)} %`,
    })),
  );
}
gpu.dispose();
