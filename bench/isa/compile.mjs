// Compiles the programs of a file, a JSON list of WGSL texts, on the adapter that the environment names. The driver
// writes what it makes of each to stderr, after a line "program <index>"; the last line is "end".
import { readFileSync, writeSync } from "node:fs";
import { openDevice } from "../../dist/gpu/adapter.js";

const device = await openDevice({});
for (const [index, code] of JSON.parse(readFileSync(process.argv[2], "utf8")).entries()) {
  writeSync(2, `\nprogram ${index}\n`);
  const module = device.createShaderModule({ code });
  await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
}
writeSync(2, "\nend\n");
// Nothing has run on this device, and Mesa's driver cannot end what has not: the process ends without it.
process.kill(process.pid, "SIGKILL");
