import type { Question, Seen } from "./settings.js";

export function see(question: Question): Promise<Seen>;
