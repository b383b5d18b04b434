import * as library from "attention-kernels";
import { answers } from "./answers.js";

globalThis.run = async () => {
  const gpu = await library.requestGpu();
  const result = { cpu: await answers(library, library.cpu), gpu: await answers(library, gpu) };
  gpu.dispose();
  return result;
};
