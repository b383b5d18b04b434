import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice } from "../../src/gpu/adapter.js";
import { fewExtents, linkedPrograms, manyExtents } from "../support/programs.js";

/** A program without subgroup operations, which naga lacks so far: a lane hands its number to itself. */
function withoutSubgroups(code: string): string {
  const lane = /@builtin\(subgroup_invocation_id\) ?(\w+): ?u32,?/;
  const alone = code
    .replace("enable subgroups;", "")
    .replace(lane, "")
    .replace(/subgroup(?:Shuffle|Broadcast)\(([^(),]+), ?[^(),]+\)/g, "$1")
    .replace(/subgroupAny/g, "");
  return `${alone}\nvar<private> ${lane.exec(code)?.[1] ?? "lane"}: u32;`;
}

describe("every linked program", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await openDevice({});
  });
  afterAll(() => device.destroy());

  /** What naga says of a program; nothing when it is right. */
  async function complaints(code: string): Promise<string> {
    const { messages } = await device.createShaderModule({ code: withoutSubgroups(code) }).getCompilationInfo();
    return messages.map(({ message }) => message).join("\n");
  }

  it("compiles with naga", async () => {
    for (const [code, { shaders }] of await linkedPrograms(process.env["WGPU"] === "all" ? manyExtents : fewExtents)) {
      if (code.includes("enable f16;") && !device.features.has("shader-f16")) continue;
      expect(await complaints(code), shaders.map(({ file }) => file).join(", ")).toBe("");
    }
  });

  it("is refused with a pointer to storage as an argument", async () => {
    const pointer =
      "@group(0) @binding(0) var<storage, read_write> a: array<f32>; fn f(p: ptr<storage, array<f32>, " +
      "read_write>) { (*p)[0] = 1; }";
    expect(await complaints(`${pointer} @compute @workgroup_size(1) fn main() { f(&a); }`)).toMatch(
      /pointer of space Storage/,
    );
  });
});
