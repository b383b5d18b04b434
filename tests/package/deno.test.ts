import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDeno } from "../../scripts/deno.mjs";
import { difference, FLOAT32_AGREEMENT, installPackage, runScript, type Installed, type Printed } from "./installed.js";

const { runtime } = await findDeno(process.env);

describe.runIf(runtime !== undefined)("the packed tarball in Deno", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPackage([]); // Deno has a WebGPU of its own
  });
  afterAll(() => installed.remove());

  it.each(["module.mjs", "commonjs.cjs"])("computes on wgpu what the CPU computes: %s", async (script) => {
    const { cpu, gpu } = JSON.parse(await runScript(runtime!, installed.folder, script, "gpu")) as Printed;
    expect(difference(cpu, gpu!)).toBeLessThan(FLOAT32_AGREEMENT);
  });
});
