export type { Certificate, Certified, NotCertified } from "./certificate.js";
export { checkConvergence, type ConvergenceOptions, type ConvergenceReport } from "./check-convergence.js";
export type { Condition, ConditionName } from "./condition.js";
export { convergenceProbability, type DrawnWeights, type Initialization } from "./initialization.js";
export type { ConvergenceProblem, HeadWeights, WeightName } from "./problem.js";
export {
  suggestInitialization,
  type NoSuggestion,
  type SuggestedInitialization,
  type SuggestOptions,
} from "./suggest-initialization.js";
export type { SingularValueExtremes } from "./weight-rank.js";
export type { Rows } from "../numerics/rows.js";
export type { Proportion } from "../numerics/proportion.js";
