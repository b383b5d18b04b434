import { describe, expect, it } from "vitest";
import { cpu, indices, ops, random, valueAndGrad } from "../../src/index.js";
import { adam } from "../../src/nn/index.js";
import { batchOf, factoredPredictor, maskedLoss, softmaxPredictor } from "../../src/physics/masked-prediction.js";
import { exactConditional, gibbsSamples, pottsEnergy, randomPotts } from "../../src/physics/potts.js";
import { correlation, fixGauge } from "../../src/physics/recovery.js";

describe("the generalised Potts model", () => {
  it("has factored attention with A = J and V = U as its exact conditional", async () => {
    const model = randomPotts(5, 3, random(2));
    const predictor = factoredPredictor(5, 3);
    const rows = [
      [0, 1, 2, 0, 1],
      [2, 2, 1, 0, 0],
    ];
    // What stands on the diagonal must not matter.
    const positions = cpu.tensor(
      model.couplings.map((value, at) => (at % 6 === 0 ? 7 : value)),
      [1, 5, 5],
    );
    const logits = predictor.logits(
      { positions, values: cpu.tensor(model.interactions, [3, 3]) },
      indices(rows.flat(), [2, 5]),
    );
    const found = await ops.softmax(logits).read();
    rows.forEach((row, at) =>
      row.forEach((_, site) => {
        exactConditional(model, row, site).forEach((p, colour) =>
          expect(Math.abs(found[(at * 5 + site) * 3 + colour] - p)).toBeLessThan(1e-12),
        );
      }),
    );
  });

  it("is drawn by Gibbs sampling as its Boltzmann weights say", () => {
    const model = randomPotts(3, 3, random(4));
    const count = 20_000;
    const { values } = gibbsSamples(model, count, random(5));
    const weights = Array.from({ length: 27 }, (_, index) =>
      Math.exp(-pottsEnergy(model, [index % 3, Math.floor(index / 3) % 3, Math.floor(index / 9)])),
    );
    const total = weights.reduce((a, b) => a + b);
    const found = new Float64Array(27);
    for (let draw = 0; draw < count; draw++)
      found[values[3 * draw] + 3 * values[3 * draw + 1] + 9 * values[3 * draw + 2]]++;
    const squares = weights.reduce(
      (sum, weight, index) => sum + (found[index] - (count * weight) / total) ** 2 / ((count * weight) / total),
      0,
    );
    expect(squares).toBeLessThan(60); // χ² of 26 degrees of freedom: 60 has probability 2e-4
  });

  it("refuses what cannot be enumerated", () => {
    expect(() => exactConditional(randomPotts(20, 5, random(1)), [], 0)).toThrow(
      /exactConditional: model: wanted at most 10000000 configurations, got 5\^20/,
    );
    expect(() => randomPotts(1, 5, random(1))).toThrow(/two sites/);
  });
});

describe("recovery", () => {
  it("of couplings from 20,000 samples of 10 sites and 5 colours", async () => {
    const [sites, colours] = [10, 5];
    const model = randomPotts(sites, colours, random(1));
    const samples = gibbsSamples(model, 20_000, random(2));
    const predictor = factoredPredictor(sites, colours);
    const parameters = predictor.initialize(cpu, random(3));
    const optimizer = adam({ learningRate: 0.03 });
    const order = Array.from({ length: 20_000 }, (_, row) => row);
    for (let step = 0; step < 120; step++) {
      const batch = batchOf(samples, order, (step % 20) * 1000, 1000);
      optimizer.step(
        parameters,
        valueAndGrad((own: typeof parameters) => maskedLoss(predictor, own, batch), parameters).gradients,
      );
    }
    const truth = fixGauge(model.couplings, model.interactions, sites, colours);
    const found = fixGauge(
      await parameters.positions.read(),
      await parameters.values.read(),
      sites,
      colours,
      truth.couplings,
    );
    expect(correlation(found.couplings, truth.couplings)).toBeGreaterThan(0.98);
    expect(correlation(found.interactions, truth.interactions)).toBeGreaterThan(0.98);
  });

  it("does not depend on the gauge", () => {
    const model = randomPotts(6, 4, random(8));
    const truth = fixGauge(model.couplings, model.interactions, 6, 4);
    const shifts = random(9).normals(4);
    const moved = fixGauge(
      model.couplings.map((x) => -2.5 * x),
      model.interactions.map((x, at) => x / -2.5 + shifts[at % 4]),
      6,
      4,
      truth.couplings,
    );
    moved.couplings.forEach((value, at) => expect(value).toBeCloseTo(truth.couplings[at], 12));
    moved.interactions.forEach((value, at) => expect(value).toBeCloseTo(truth.interactions[at], 12));
    expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  });
});

it("neither predictor sees the colour that it predicts", async () => {
  const pair = indices([0, 1, 2, 1, 0, 1, 0, 1], [2, 4]);
  for (const predictor of [factoredPredictor(4, 3), softmaxPredictor(4, 3)]) {
    const logits = await predictor.logits(predictor.initialize(cpu, random(1)) as never, pair).read();
    const site = (row: number, place: number) =>
      Array.from(logits.slice((row * 4 + place) * 3, (row * 4 + place) * 3 + 3));
    expect(site(0, 2)).toEqual(site(1, 2));
    expect(site(0, 0)).not.toEqual(site(1, 0));
  }
});
