// A thread of cpuAmplitudes: evaluates log ψ of one wave function.
import { parentPort, workerData } from "node:worker_threads";
import { copyOf, type Message, type Model } from "./amplitudes.js";

const copy = copyOf(workerData as Model);
parentPort!.on("message", (message: Message) => {
  if ("parameters" in message) copy.load(message.parameters);
  else void copy.evaluate(message.spins).then((amplitudes) => parentPort!.postMessage(amplitudes));
});
