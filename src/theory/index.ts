export type { Certificate, Certified, NotCertified } from "./certificate.js";
export { checkConvergence, type ConvergenceOptions, type ConvergenceReport } from "./check-convergence.js";
export { certifyPath, type CertifiedPath, type CertifyPathOptions, type PathCheck } from "./certify-path.js";
export { certifyWeights, type WeightsCertificate } from "./certify-weights.js";
export type { Condition, ConditionName } from "./condition.js";
export type { DescentProblem, NestedMatrices, NestedWeights } from "./descend.js";
export { convergenceProbability, type DrawnWeights, type Initialization } from "./initialization.js";
export { lossCurve, type LossCurve, type LossCurveOptions } from "./loss-curve.js";
export type { Needs } from "./needs.js";
export type { ConvergenceProblem, HeadWeights, WeightName } from "./problem.js";
export { pathProbability, type PathProbability, type PathProbabilityOptions } from "./path-probability.js";
export { reachableLoss, type ReachableLoss, type ReachableLossOptions } from "./reachable-loss.js";
export { readProblem, type LayerTensors } from "./read-problem.js";
export type { SpectralResidual } from "./spectral-residual.js";
export {
  suggestInitialization,
  type NoSuggestion,
  type SuggestedInitialization,
  type SuggestOptions,
} from "./suggest-initialization.js";
export type { SingularValueExtremes } from "./weight-rank.js";
export type { Rows } from "../numerics/rows.js";
export type { Proportion } from "../numerics/proportion.js";
