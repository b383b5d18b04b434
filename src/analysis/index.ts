export { filterNormalizedDirection, principalDirections, type PrincipalDirections } from "./directions.js";
export { lossSurface, roughness, type Loss, type Plane, type Roughness, type Surface } from "./landscape.js";
export { readVector } from "./vectors.js";
export { cosineNoise, meanCosineNoise } from "./cosine-noise.js";
export {
  dissectHead,
  modeMap,
  summarizeCosines,
  type CosineSummary,
  type HeadDissection,
  type ModeMap,
} from "./dissection.js";
export { freezeHeads, headMaps, type HeadMaps, type MapInputs, type MeanHead } from "./head-maps.js";
export type { Rows } from "../numerics/rows.js";
export { observeTraining, type ObservedStep, type ObserveOptions, type TrainingMonitor } from "./monitor/monitor.js";
export type { ObservableModel, ObservedLayer } from "./monitor/look.js";
export type { WarningName } from "./monitor/findings.js";
export { trainingWarnings, type TrainingWarning } from "./monitor/warnings.js";
export type {
  HeadRecord,
  LayerRecord,
  ProjectionName,
  SingularExtremes,
  TrainingRecord,
  WeightRecord,
} from "./monitor/records.js";
