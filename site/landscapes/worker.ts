import { answer } from "../kit/answer.js";
import { landscape, type Found } from "./landscape.js";
import type { Task } from "./settings.js";

/** A kernel's picture, or the end. */
export type Message = { readonly kind: "found"; readonly found: Found } | { readonly kind: "end" };

answer<Task, Message>(async (task, post) => {
  await landscape(task, (found) => post({ kind: "found", found }));
  post({ kind: "end" });
});
