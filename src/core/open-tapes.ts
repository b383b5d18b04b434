/** The tapes that record operations (`autograd/tape.ts`), the outermost first. */
export const openTapes: object[] = [];
