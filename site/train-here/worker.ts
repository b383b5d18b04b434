import { cpu, requestGpu, UnsupportedError, type Backend } from "attention-kernels";
import { answer, gatherLosses } from "../kit/answer.js";
import type { Message, Shown } from "./messages.js";
import { pictureData } from "./pictures.js";
import { sentenceData } from "./sentences.js";
import type { Task } from "./settings.js";
import { train, type Data } from "./train.js";

/** Sequences whose attention is shown. */
const SHOWN = 4;

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

answer<Task, Message>(async (task, post) => {
  const losses = gatherLosses((some) => post({ kind: "losses", losses: some }));
  const { backend, device } = await backendOf(task.on);
  const { data, shown } = dataOf(task);
  post({ kind: "start", device, shown });
  await train(task.training, backend, data, (event) => {
    if ("loss" in event) {
      losses.add(event.loss);
      return;
    }
    losses.flush();
    post({ kind: "record", record: event.record });
  });
  post({ kind: "end" });
});
