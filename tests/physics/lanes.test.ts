import { describe, expect, test } from "vitest";
import { cpu, factored, gaussian, random, relativePosition, softmax, spatial, symmetric } from "../../src/index.js";
import * as physics from "../../src/physics/index.js";
import { laneEncoders } from "../../src/physics/lanes.js";

const lattice = physics.square(4);
const elements = physics.shiftsWithin(lattice, 2);
const projection = { elements, characters: elements.map(() => 1) };

const kernels = {
  factored: factored(),
  "factored (periodic)": factored({ periodic: [2, 2] }),
  "spatial (periodic)": spatial({ periodic: [2, 2] }),
  softmax: softmax(),
  symmetric: symmetric(),
  relativePosition: relativePosition(),
  "relativePosition (periodic)": relativePosition({ periodic: [2, 2] }),
};

describe("encoders on lanes", () => {
  // 7 configurations of 4 images do not fill the lanes; widths and heads of 3 are not multiples of the tiles
  test.each(Object.entries(kernels))("%s: the same bits as one image at a time", async (_, kernel) => {
    const stream = random(5);
    for (const [width, heads, layers] of [
      [6, 2, 2],
      [8, 2, 1],
      [9, 3, 1],
    ]) {
      const model = physics.ansatz({ lattice, kernel, width, heads, layers, projection });
      const parameters = model.initialize(cpu, stream);
      for (const tensor of Object.values(parameters.layers[0].learned))
        tensor.assign(cpu.tensor(stream.normals(tensor.size, 1), tensor.shape));
      const tokens = model.tokens(cpu, physics.randomChains(lattice, 7, stream));
      const encode = await laneEncoders(model.shape)!(parameters);
      const expected = await model.encode(parameters, tokens).read();
      expect(Array.from(encode(await tokens.read()))).toEqual(Array.from(expected));
    }
  });

  test("leave other kernels to the backend", () => {
    const model = physics.ansatz({ lattice, kernel: gaussian(), width: 6, heads: 2, layers: 1 });
    expect(laneEncoders(model.shape)).toBeUndefined();
  });
});
