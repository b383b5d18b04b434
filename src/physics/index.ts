export { rememberedAmplitudes, type LogAmplitude } from "./amplitudes.js";
export { ansatz, type Ansatz, type AnsatzOptions } from "./ansatz.js";
export type { AnsatzLayer, AnsatzParameters } from "./ansatz-parameters.js";
export type { ComplexNumbers } from "./complex.js";
export { dimerState, dimerWeights } from "./dimer-state.js";
export { groundState, type GroundState, type GroundStateOptions } from "./exact.js";
export {
  heisenberg,
  shastrySutherland,
  shastrySutherlandDimers,
  type Bond,
  type Hamiltonian,
  type J1J2,
} from "./hamiltonian.js";
export { attentionMaps, type AttentionMap } from "./input-dependence.js";
export { jacobian, type Jacobian } from "./jacobian.js";
export {
  chain,
  nearestNeighbours,
  nextNearestNeighbours,
  patches,
  square,
  type Lattice,
  type Pair,
  type Patches,
} from "./lattice.js";
export { localEnergies } from "./local-energy.js";
export type { LogAmplitudes } from "./logarithms.js";
export {
  encoderPredictor,
  factoredPredictor,
  maskedLoss,
  type FactoredPredictorParameters,
  type Predictor,
} from "./masked-prediction.js";
export { representativesOf, type DistinctRows, type Representatives } from "./orbits.js";
export {
  exactConditional,
  gibbsSamples,
  pottsEnergy,
  randomPotts,
  type GibbsOptions,
  type PottsModel,
} from "./potts.js";
export {
  descend,
  energyGradient,
  linearProblem,
  naturalGradient,
  springDirection,
  type LinearProblem,
  type NaturalGradientOptions,
} from "./reconfiguration.js";
export {
  correlation,
  couplingsOf,
  fixGauge,
  upperPairs,
  type CouplingsFound,
  type Gauged,
  type PairResponse,
} from "./recovery.js";
export { pairResponse } from "./response.js";
export {
  exactSampler,
  metropolisSampler,
  randomChains,
  shares,
  summation,
  type MetropolisOptions,
  type Sampler,
  type Samples,
} from "./sampler.js";
export { sector, sectorDimension, spinsOf, type Sector } from "./sector.js";
export { exactStatistics, statistics, zeroVarianceEnergy, type Statistics } from "./statistics.js";
export {
  imagesOf,
  pointGroup,
  productOf,
  shiftsWithin,
  spinFlip,
  translations,
  type Representation,
  type Symmetry,
} from "./symmetry.js";
export {
  enumeratedEnergy,
  measure,
  variationalStep,
  type Measurement,
  type StepOptions,
  type VariationalProblem,
} from "./variational.js";
export { cosineSchedule, type Schedule } from "../nn/schedules.js";
