import { cpu, indices, kernels, random } from "../../src/index.js";
import { encoder } from "../../src/nn/index.js";
import * as physics from "../../src/physics/index.js";
import { example, type Example } from "./example.js";

const x = cpu.tensor([1, 2, 3, 4], [2, 2]);
const ring = physics.chain(4);
const plaquettes = physics.square(4);
const model = physics.heisenberg(ring);
const sizes = { lattice: ring, kernel: kernels.factored(), patch: 2, width: 2, heads: 1, layers: 1 };
const wave = physics.ansatz(sizes);
const waveParameters = (): ReturnType<typeof wave.initialize> => wave.initialize(cpu, random(1));
const spins = Int8Array.from([1, -1, 1, -1, -1, 1, 1, -1]);
const flat = async (rows: Int8Array): Promise<{ re: Float64Array; im: Float64Array }> => ({
  re: new Float64Array(rows.length / 4),
  im: new Float64Array(rows.length / 4),
});
const samples = { spins, order: Int32Array.from([0, 1]), chains: 1 };
const linear = (): unknown =>
  physics.linearProblem(
    { re: x, im: x },
    { re: new Float64Array([1, 2]), im: new Float64Array(2) },
    new Float64Array([0.5, 0.5]),
  );
const potts = physics.randomPotts(3, 2, random(1));
const complex = { re: Float64Array.from([1, 2, 3, 4]), im: new Float64Array(4) };
const step = { samples: 32, rate: 0.01, shift: 0.1, momentum: 0 };
const predictor = physics.factoredPredictor(2, 2);

/** Every public function of physics. */
export const physicsExamples: Readonly<Record<string, Example>> = {
  "physics.ansatz": example(() => [sizes], 0),
  "physics.attentionMaps": example(() => [wave, waveParameters(), samples]),
  "physics.chain": example(() => [4]),
  "physics.correlation": example(() => [
    [1, 2],
    [2, 1],
  ]),
  "physics.cosineSchedule": example(() => [{ start: 1, end: 0, steps: 2, warmup: 0 }], 0),
  "physics.couplingsOf": example(() => [
    { mean: Float64Array.from({ length: 16 }, (_, at) => at), squares: 2000 },
    2,
    2,
  ]),
  "physics.descend": example(() => [{ x: cpu.full(1, [2, 2]) }, cpu.full(1, [4, 1]), 0.1]),
  "physics.dimerState": example(() => [cpu, plaquettes]),
  "physics.dimerWeights": example(() => [plaquettes]),
  "physics.encoderPredictor": example(() => [
    encoder({ kernel: kernels.softmax(), vocabulary: 3, classes: 2, tokens: 2, width: 2, heads: 1, layers: 1 }),
    2,
  ]),
  "physics.energyGradient": example(() => [linear()]),
  "physics.enumeratedEnergy": example(() => [{ hamiltonian: model }, flat]),
  "physics.exactConditional": example(() => [potts, [0, 1, 0], 1]),
  "physics.exactSampler": example(() => [4, random(1)]),
  "physics.exactStatistics": example(() => [complex, new Float64Array(4).fill(0.25)]),
  "physics.factoredPredictor": example(() => [2, 2]),
  "physics.fixGauge": example(() => [[0, 1, 1, 0], [1, 0, 0, 1], 2, 2]),
  "physics.gibbsSamples": example(() => [potts, 1, random(1), { sweeps: 1, burnIn: 1 }], 3),
  "physics.groundState": example(() => [model, { tolerance: 1e-9, memory: 1e6, seed: 1 }], 1),
  "physics.heisenberg": example(() => [ring, { j1: 1, j2: 0.5 }], 1),
  "physics.imagesOf": example(() => [spins, physics.spinFlip(ring)]),
  "physics.jacobian": example(() => [wave, waveParameters(), spins]),
  "physics.linearProblem": example(() => [
    { re: x, im: x },
    { re: new Float64Array([1, 2]), im: new Float64Array(2) },
    new Float64Array([0.5, 0.5]),
  ]),
  "physics.localEnergies": example(() => [model, spins, flat]),
  "physics.maskedLoss": example(() => [predictor, predictor.initialize(cpu, random(1)), indices([0, 1], [1, 2])]),
  "physics.measure": example(() => [
    { ansatz: wave, hamiltonian: model },
    flat,
    physics.exactSampler(4, random(1)),
    32,
  ]),
  "physics.metropolisSampler": example(() => [ring, random(1), { chains: 2, sweep: 1, burnIn: 1, current: spins }], 2),
  "physics.naturalGradient": example(() => [linear(), { shift: 0.1, side: "samples" }], 1),
  "physics.nearestNeighbours": example(() => [ring]),
  "physics.nextNearestNeighbours": example(() => [ring]),
  "physics.pairResponse": example(() => [predictor, predictor.initialize(cpu, random(1)), indices([0, 1], [1, 2]), 2]),
  "physics.patches": example(() => [ring, 2]),
  "physics.pointGroup": example(() => [ring]),
  "physics.pottsEnergy": example(() => [potts, [0, 1, 0]]),
  "physics.productOf": example(() => [physics.spinFlip(ring), physics.translations(ring)]),
  "physics.randomChains": example(() => [ring, 2, random(1)]),
  "physics.randomPotts": example(() => [2, 2, random(1)]),
  "physics.rememberedAmplitudes": example(() => [wave, waveParameters()]),
  "physics.representativesOf": example(() => [4, physics.spinFlip(ring)]),
  "physics.sector": example(() => [4]),
  "physics.sectorDimension": example(() => [4]),
  "physics.shares": example(() => [samples, 4]),
  "physics.shastrySutherland": example(() => [plaquettes, { dimer: 1, inter: 0.5 }], 1),
  "physics.shastrySutherlandDimers": example(() => [plaquettes]),
  "physics.shiftsWithin": example(() => [ring, 2]),
  "physics.spinFlip": example(() => [ring]),
  "physics.spinsOf": example(() => [[3], 4]),
  "physics.springDirection": example(() => [linear(), cpu.full(1, [2, 1]), 0.5, { shift: 0.1 }], 3),
  "physics.square": example(() => [4, 4]),
  "physics.statistics": example(() => [complex, 2]),
  "physics.summation": example(() => [4]),
  "physics.translations": example(() => [ring, 1]),
  "physics.upperPairs": example(() => [[0, 1, 1, 0], 2]),
  "physics.variationalStep": example(
    () => [{ ansatz: wave, hamiltonian: model }, waveParameters(), physics.exactSampler(4, random(1)), undefined, step],
    4,
  ),
  "physics.zeroVarianceEnergy": example(() => [
    [
      { energy: 1, variance: 1 },
      { energy: 2, variance: 2 },
    ],
  ]),
};
