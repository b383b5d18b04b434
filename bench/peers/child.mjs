// One library in a process of its own: answers each task with the time it took, readback included, and at first with its numbers.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";

const [, , library, installed] = process.argv;
if (library !== "attention-kernels") {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu: create([]), userAgent: "node" }, configurable: true, writable: true });
}
const require = createRequire(join(installed, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
let tasks;
process.on("message", async (message) => {
  try {
    if (message.inputs) {
      const { open } = await import(`./${library}.mjs`);
      tasks = await open({ ...message.inputs, load });
      process.send({ ready: true });
      return;
    }
    const start = performance.now();
    const numbers = await tasks[message.task]();
    const ms = performance.now() - start;
    process.send({ ms, numbers: message.check ? numbers : undefined });
  } catch (error) {
    process.send({ failed: String(error?.stack ?? error).split("\n").slice(0, 3).join(" ") });
  }
});
