import { describe, expect, it } from "vitest";
import { cpu, indices, ops, random, softmax, valueAndGrad } from "../../src/index.js";
import { adam, encoder } from "../../src/nn/index.js";
import { batchOf, encoderPredictor, factoredPredictor, maskedLoss } from "../../src/physics/masked-prediction.js";
import {
  conditionalLosses,
  exactConditional,
  gibbsSamples,
  pottsEnergy,
  randomPotts,
} from "../../src/physics/potts.js";
import { centre, correlation, couplingsOf, fixGauge } from "../../src/physics/recovery.js";
import { pairResponse } from "../../src/physics/response.js";

const encoders = (sites: number, colours: number) =>
  encoderPredictor(
    encoder({
      kernel: softmax(),
      vocabulary: colours + 1,
      classes: colours,
      tokens: sites,
      width: 8,
      hidden: 8,
      layers: 1,
    }),
    colours,
  );

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

  it("has the losses of its conditionals", () => {
    const model = randomPotts(4, 3, random(6));
    const rows = gibbsSamples(model, 2, random(7));
    conditionalLosses(model, rows).forEach((loss, row) => {
      const own = Array.from(rows.values.subarray(4 * row, 4 * row + 4));
      const logs = own.map((colour, site) => Math.log(exactConditional(model, own, site)[colour]));
      expect(loss).toBeCloseTo(-logs.reduce((a, b) => a + b) / 4, 12);
    });
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

describe("the response of logits to the colours of other sites", () => {
  const [sites, colours] = [6, 4];
  const predictor = factoredPredictor(sites, colours);
  const model = randomPotts(sites, colours, random(3));
  const contexts = gibbsSamples(model, 3, random(4));

  it("of the Potts model has J and U exactly", async () => {
    const parameters = {
      positions: cpu.tensor(model.couplings, [1, sites, sites]),
      values: cpu.tensor(model.interactions, [colours, colours]),
    };
    const interactions = model.interactions.slice();
    centre(interactions, colours);
    const truth = fixGauge(model.couplings, interactions, sites, colours);
    const response = await pairResponse(predictor, parameters, contexts, colours);
    const found = couplingsOf(response, sites, colours, truth.couplings);
    found.couplings.forEach((value, pair) => expect(value).toBeCloseTo(truth.couplings[pair], 12));
    found.interactions.forEach((value, pair) => expect(value).toBeCloseTo(truth.interactions[pair], 12));
    expect(correlation(found.couplings, truth.couplings)).toBeCloseTo(1, 12);
    for (const share of [found.residual, found.ofMean, found.betweenContexts]) expect(share).toBeCloseTo(0, 12);
    expect(() => couplingsOf({ ...response, mean: response.mean.map(() => NaN) }, sites, colours)).toThrow(/finite/);
    expect(() => couplingsOf(response, sites + 1, colours)).toThrow(/wanted a response between 7 sites/);
    const flipped = couplingsOf(
      response,
      sites,
      colours,
      truth.couplings.map((value) => -value),
    );
    expect(flipped.couplings[0]).toBeCloseTo(-truth.couplings[0], 12);
  });

  it("counts the squares that are not J_ij U_ab", async () => {
    const ofModels = await Promise.all(
      [1, 2].map((seed) => pairResponse(predictor, predictor.initialize(cpu, random(seed)), contexts, colours)),
    );
    const sum = ofModels[0].mean.map((value, at) => value + ofModels[1].mean[at]);
    const squares = sum.reduce((total, value) => total + value ** 2, 0);
    const found = couplingsOf({ mean: sum, squares: 2 * squares }, sites, colours);
    expect(found.betweenContexts).toBeCloseTo(0.5, 12);
    // of two products the best single one leaves less than the smaller
    const smaller = Math.min(...ofModels.map((own) => own.squares));
    expect(found.ofMean).toBeGreaterThan(0.01);
    expect(found.ofMean).toBeLessThanOrEqual(smaller / (2 * squares));
    expect(found.residual).toBeCloseTo(found.ofMean + 0.5, 12);
  });

  it("of an encoder is its logits' double difference, and differs between contexts", async () => {
    const own = encoders(sites, colours);
    // weights large enough for attention to depend on colours
    const parameters = own.initialize(cpu, random(5));
    const tree = { ...parameters, embedding: ops.multiply(parameters.embedding, 50) };
    const { mean, squares } = await pairResponse(own, tree, contexts, colours);
    const at = (i: number, j: number, a: number, b: number) => mean[((i * sites + j) * colours + a) * colours + b];
    const logits = async (j: number, b: number) => {
      const rows = Array.from(contexts.values, (colour, place) => (place % sites === j ? b : colour));
      return own.logits(tree, indices(rows, [3, sites])).read();
    };
    const [first, second] = [await logits(4, 0), await logits(4, 3)];
    const difference = [0, 1, 2].map((row) => {
      const place = (row * sites + 2) * colours;
      return first[place + 1] - first[place + 2] - second[place + 1] + second[place + 2];
    });
    expect(at(2, 4, 1, 0) - at(2, 4, 2, 0) - at(2, 4, 1, 3) + at(2, 4, 2, 3)).toBeCloseTo(
      difference.reduce((a, b) => a + b) / 3,
      12,
    );
    expect(at(2, 2, 1, 1)).toBe(0);
    expect(couplingsOf({ mean, squares }, sites, colours).betweenContexts).toBeGreaterThan(0.001);
  });
});

it("no predictor sees the colour that it predicts", async () => {
  const pair = indices([0, 1, 2, 1, 0, 1, 0, 1], [2, 4]);
  for (const predictor of [factoredPredictor(4, 3), encoders(4, 3)]) {
    const logits = await predictor.logits(predictor.initialize(cpu, random(1)) as never, pair).read();
    const site = (row: number, place: number) =>
      Array.from(logits.slice((row * 4 + place) * 3, (row * 4 + place) * 3 + 3));
    expect(site(0, 2)).toEqual(site(1, 2));
    expect(site(0, 0)).not.toEqual(site(1, 0));
  }
});
