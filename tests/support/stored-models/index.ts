import { berts } from "./bert.js";
import { decoders } from "./decoders.js";
import { torch } from "./torch.js";
import { vision } from "./vision.js";

export const storedModels = [...berts, ...vision, ...torch, ...decoders];
