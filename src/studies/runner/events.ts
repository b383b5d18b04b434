/** What a running study tells whoever watches it; studies never print. */
export type StudyEvent =
  | { readonly kind: "stage"; readonly title: string }
  | {
      readonly kind: "progress";
      readonly label: string;
      readonly done: number;
      readonly total: number;
      /** The latest number worth watching, such as "loss 0.31". */
      readonly note?: string;
    }
  | { readonly kind: "note"; readonly text: string };
