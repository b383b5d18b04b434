export { cosineNoise, meanCosineNoise } from "./cosine-noise.js";
export {
  dissectHead,
  modeMap,
  summarizeCosines,
  type CosineSummary,
  type HeadDissection,
  type ModeMap,
} from "./dissection.js";
export type { Rows } from "../numerics/rows.js";
