import { answer } from "../kit/answer.js";
import { dissect, sampleModel, type Event } from "./dissect.js";
import { modelOf } from "./files.js";
import type { Task } from "./settings.js";

export type Message = Event | { readonly kind: "end" };

answer<Task, Message>(async ({ files, sample, ...options }, post) => {
  const model = files.length === 0 ? sampleModel(sample) : await modelOf(files);
  await dissect({ ...model, ...options }, post);
  post({ kind: "end" });
});
