import { cpu, requestGpu, UnsupportedError, type Backend } from "attention-kernels";
import type { Message, Shown } from "./messages.js";
import { pictureData } from "./pictures.js";
import { sentenceData } from "./sentences.js";
import type { Task } from "./settings.js";
import { train, type Data } from "./train.js";

/** Milliseconds between two messages with losses. */
const PAUSE = 80;
/** Sequences whose attention is shown. */
const SHOWN = 4;

const post = (message: Message): void => postMessage(message);

async function backendOf(on: Task["on"]): Promise<{ readonly backend: Backend; readonly device: string }> {
  const onCpu = (why: string): { readonly backend: Backend; readonly device: string } => ({
    backend: cpu,
    device: `the CPU in float64${why}`,
  });
  if (on === "cpu") return onCpu("");
  try {
    const gpu = await requestGpu();
    return { backend: gpu, device: `WebGPU in float32: ${gpu.device.name} (${gpu.device.kind})` };
  } catch (error) {
    if (on === "webgpu" || !(error instanceof UnsupportedError)) throw error;
    return onCpu(", as this browser gives no WebGPU adapter");
  }
}

function dataOf({ data, examples, tests, training: { seed } }: Task): { readonly data: Data; readonly shown: Shown[] } {
  const how = { seed, examples, tests };
  const labelled = (of: (row: number, label: number) => Shown, labels: Int32Array): Shown[] =>
    Array.from(labels.subarray(0, SHOWN), (label, row) => of(row, label));
  if (data === "sentences") {
    const made = sentenceData(how);
    return { data: made, shown: labelled((row, label) => ({ label, tokens: made.test.texts[row] }), made.test.labels) };
  }
  const made = pictureData(how);
  const { size, pixels, labels } = made.pictures;
  const tokens = ["top left", "top right", "bottom left", "bottom right"];
  const picture = (row: number): Shown["picture"] => ({
    size,
    pixels: Array.from(pixels.subarray(row * size * size, (row + 1) * size * size)),
  });
  return { data: made, shown: labelled((row, label) => ({ label, tokens, picture: picture(row) }), labels) };
}

onmessage = async ({ data: task }: MessageEvent<Task>) => {
  let losses: number[] = [];
  let sent = 0;
  const flush = (): void => {
    post({ kind: "losses", losses });
    losses = [];
    sent = performance.now();
  };
  try {
    const { backend, device } = await backendOf(task.on);
    const { data, shown } = dataOf(task);
    post({ kind: "start", device, shown });
    await train(task.training, backend, data, (event) => {
      if ("record" in event) {
        flush();
        post({ kind: "record", record: event.record });
        return;
      }
      losses.push(event.loss);
      if (performance.now() - sent > PAUSE) flush();
    });
    post({ kind: "end" });
  } catch (error) {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};
