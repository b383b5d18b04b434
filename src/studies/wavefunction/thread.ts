// A thread of onThreads: evaluates one wave function.
import { parentPort, workerData } from "node:worker_threads";
import { copyOf, type Message, type Model } from "./evaluation.js";

const copy = copyOf(workerData as Model);
parentPort!.on("message", (message: Message) => {
  if ("parameters" in message) copy.load(message.parameters);
  else void copy.answer(message).then(() => parentPort!.postMessage(undefined));
});
