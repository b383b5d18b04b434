import { answer } from "../kit/answer.js";
import { exactEnergy, learn, type Step } from "./learn.js";
import type { Task } from "./settings.js";

/** An optimisation, or the exact energy. */
export type Question = Task | { readonly kernel: null; readonly j2: number };
export type Message =
  | { readonly kind: "exact"; readonly energy: number }
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "end" };

answer<Question, Message>(async (question, post) => {
  if (question.kernel === null) post({ kind: "exact", energy: exactEnergy(question.j2) });
  else await learn(question, (step) => post({ kind: "step", step }));
  post({ kind: "end" });
});
