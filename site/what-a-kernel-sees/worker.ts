import { answer } from "../kit/answer.js";
import { see } from "./see.js";
import type { Question, Seen } from "./settings.js";

export interface Message {
  readonly kind: "seen";
  readonly seen: Seen;
}

answer<Question, Message>(async (question, post) => post({ kind: "seen", seen: await see(question) }));
