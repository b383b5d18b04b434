import { whole } from "../runner/schema.js";

/** Of the flags that are numbers. */
export const dissectFields = { heads: whole(1, 4096), modes: whole(1, 4096) } as const;
