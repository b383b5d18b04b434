const library = require("attention-kernels");

async function main() {
  const { answers } = await import("./answers.js");
  const gpu = process.argv.includes("gpu") ? await library.requestGpu() : undefined;
  const cpu = await answers(library, library.cpu);
  console.log(JSON.stringify({ names: Object.keys(library).sort(), cpu, gpu: gpu && (await answers(library, gpu)) }));
  gpu?.dispose();
}

main();
