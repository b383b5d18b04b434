import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DeviceDescription } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { studyOf } from "../support/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "versions-"));
});
afterEach(() => rm(out, { recursive: true }));

const start = { node: "v20.1.0", "ml-matrix": "6.1.0", "pure-rand": "8.4.0", webgpu: "0.6.0", platform: "linux" };

/** Whether a resumed study repeats a task after a change of versions. */
async function startsAnew(kind: DeviceDescription["kind"], change: Partial<typeof start>): Promise<boolean> {
  let done = 0;
  const study = studyOf("versions", { a: () => Promise.resolve(++done) });
  const options = { backend: cpu, device: { ...cpu.device, kind }, seed: 1, out, command: "test" };
  await conduct(study, {}, { ...options, versions: start });
  await conduct(study, {}, { ...options, versions: { ...start, ...change }, resume: true });
  return done === 2;
}

it.each<[what: string, change: Partial<typeof start>, onCpu: boolean, onGpu: boolean]>([
  ["nothing", {}, false, false],
  ["ml-matrix", { "ml-matrix": "6.1.1" }, true, true],
  ["pure-rand", { "pure-rand": "8.5.0" }, true, true],
  ["webgpu", { webgpu: "0.6.1" }, false, true],
  ["the major version of Node", { node: "v21.0.0" }, true, true],
  ["its minor version", { node: "v20.2.0" }, false, false],
  ["the machine", { platform: "darwin" }, false, false],
])("a task starts anew when %s changes, if that decides its numbers", async (_, change, onCpu, onGpu) => {
  expect([await startsAnew("cpu", change), await startsAnew("software", change)]).toEqual([onCpu, onGpu]);
});
