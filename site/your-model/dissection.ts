import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { useWorkers } from "../kit/workers.js";
import type { Event, Head, Summary } from "./dissect.js";
import type { Task } from "./settings.js";
import type { Message } from "./worker.js";

/** A layer as far as it is known. */
export interface FoundLayer {
  readonly heads: readonly Head[];
  readonly summary?: Summary;
}

/** A model as far as it is known. */
export interface Found {
  readonly about?: Extract<Event, { readonly kind: "sizes" }>;
  readonly control: FoundLayer;
  readonly layers: readonly FoundLayer[];
}

const nothing: Found = { control: { heads: [] }, layers: [] };

function grown(layer: FoundLayer = { heads: [] }, event: Exclude<Event, { kind: "sizes" }>): FoundLayer {
  return event.kind === "head"
    ? { ...layer, heads: [...layer.heads, event.head] }
    : { ...layer, summary: event.summary };
}

function after(found: Found, event: Event): Found {
  if (event.kind === "sizes") return { ...found, about: event };
  if (event.layer < 0) return { ...found, control: grown(found.control, event) };
  const layers = [...found.layers];
  layers[event.layer] = grown(layers[event.layer], event);
  return { ...found, layers };
}

/** What a worker finds in a model. */
export interface Dissection {
  readonly found: ShallowRef<Found>;
  readonly state: Ref<"idle" | "running" | "done" | "failed" | "stopped">;
  /** Why it failed. */
  readonly reason: Ref<string>;
  readonly start: (task: Task) => void;
  readonly stop: () => void;
}

/** Dissects one model at a time in a worker. */
export function useDissection(): Dissection {
  const found = shallowRef(nothing);
  const state: Dissection["state"] = ref("idle");
  const reason = ref("");
  const workers = useWorkers<Task, Message>(
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  );
  return {
    found,
    state,
    reason,
    start(task) {
      found.value = nothing;
      reason.value = "";
      state.value = "running";
      workers.start([task], (message) => {
        if (message.kind === "end") state.value = "done";
        else if (message.kind === "failed") {
          state.value = "failed";
          reason.value = message.reason;
        } else found.value = after(found.value, message);
      });
    },
    stop() {
      workers.stop();
      state.value = "stopped";
    },
  };
}
