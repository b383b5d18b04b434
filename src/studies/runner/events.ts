/** An event that a running study reports; studies never print. */
export type StudyEvent =
  | { readonly kind: "stage"; readonly title: string }
  | {
      readonly kind: "progress";
      readonly label: string;
      readonly done: number;
      readonly total: number;
      /** The latest number to watch, such as "loss 0.31". */
      readonly note?: string;
    }
  | { readonly kind: "note"; readonly text: string };
