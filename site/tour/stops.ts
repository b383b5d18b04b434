/** A page to open, with its settings. */
export interface Opening {
  readonly words: string;
  readonly page: "three-matrices" | "what-a-kernel-sees" | "landscapes" | "train-here";
  /** Settings as they stand in the URL. */
  readonly query: string;
}

/** A stop of the tour. The first opening is the stop's own. */
export interface Stop {
  readonly title: string;
  /** What to do on the page, and what to see. */
  readonly look: string;
  /** What the papers claim. */
  readonly claim: string;
  /** What holds here, and where its numbers stand in docs/. */
  readonly measured: string;
  readonly source: { readonly page: string; readonly words: string; readonly numbers: readonly string[] };
  readonly openings: readonly [Opening, ...Opening[]];
}

export const stops: readonly Stop[] = [
  {
    title: "One matrix trains, and softmax stands still",
    look:
      "Only W^Q trains, and all values of a sample are equal. Watch both losses: softmax keeps all of " +
      "it, the Gaussian comes down, and the dot marks the step from which its success is proved.",
    claim:
      "If W^Q alone trains, gradient descent is guaranteed to reach zero loss with the Gaussian kernel, " +
      "and not with softmax (Song et al., arXiv 2411.07538, as secondary sources report it).",
    measured:
      "On equal values, over twelve seeds, the Gaussian converged on 7 of 12 and softmax on 0 of 12. " +
      "That softmax must fail is a theorem of this library, T4. The row-normalised Gaussian has 0 of 12 " +
      "as well: the cause is the division by the row's sum.",
    source: { page: "dynamics", words: "Training dynamics", numbers: ["7 of 12", "0 of 12"] },
    openings: [
      { words: "Three matrices, equal values", page: "three-matrices", query: "" },
      {
        words: "With the row-normalised Gaussian",
        page: "three-matrices",
        query: "kernels=softmax,gaussian,gaussianNormalized",
      },
    ],
  },
  {
    title: "Why: an average of equal values is that value",
    look:
      "All tokens have one value, the square. Drag a token, or move it by the arrow keys: softmax's " +
      "outputs stay on the square, and the gradient of the queries is zero. Then choose gaussian as the " +
      "kernel: arrows appear.",
    claim:
      "It is the kernel that decides: the guarantee is for the Gaussian, which weighs by a distance, and " +
      "not for softmax, which weighs by an inner product (as reported).",
    measured:
      "For queries to get no gradient it takes only weights that sum to 1, whatever the score: T4 and " +
      "its proof say so. Without the division a query still scales its output. This is exact, not a " +
      "matter of seeds.",
    source: { page: "theory", words: "Theorem T4", numbers: ["T4"] },
    openings: [
      { words: "What a kernel sees, softmax", page: "what-a-kernel-sees", query: "equal=yes" },
      { words: "The same with the Gaussian", page: "what-a-kernel-sees", query: "equal=yes&kernel=gaussian" },
    ],
  },
  {
    title: "On generic values no difference is seen",
    look:
      "The same layer with values that differ. Both kernels go down, at steps of their own size. Next to " +
      "the seed takes you to problems that nobody picked.",
    claim:
      "All three matrices trained together reach zero loss with either kernel; W^Q alone is guaranteed " +
      "for the Gaussian only (the same paper, as reported).",
    measured:
      "All three together: 12 of 12 with both kernels. W^Q alone: softmax 10 of 12, Gaussian 9 of 12, no " +
      "difference that twelve seeds show. A guarantee before the first step does differ: with 24 heads " +
      "100 of 100 random starts of the Gaussian have a proof, and 6 of 100 of softmax. A run without a " +
      "proof may still succeed.",
    source: {
      page: "dynamics",
      words: "Training dynamics",
      numbers: ["12 of 12", "10 of 12", "9 of 12", "100 of 100", "6 of 100"],
    },
    openings: [
      { words: "Three matrices, generic values", page: "three-matrices", query: "heads=2&v=3&equal=no" },
      {
        words: "All three matrices train",
        page: "three-matrices",
        query: "train=query,key,value&heads=2&v=3&equal=no",
      },
    ],
  },
  {
    title: "The landscape around the descent",
    look:
      "Both surfaces have one scale. On equal values softmax's is exactly flat, so that there is nothing " +
      "to descend. Turn a surface by dragging it or by the arrow keys.",
    claim: "The loss landscape of the Gaussian is smoother (the same paper, as reported).",
    measured:
      "Undecided. A flat plane on equal values follows from T4; on generic values a picture shows two of " +
      "hundreds of directions of one seed, and the study has not measured enough models to compare " +
      "kernels.",
    source: { page: "claims", words: "All claims", numbers: ["undecided"] },
    openings: [
      { words: "Landscapes, equal values", page: "landscapes", query: "" },
      { words: "Landscapes, generic values", page: "landscapes", query: "heads=2&v=3&equal=no" },
    ],
  },
  {
    title: "A whole encoder learns",
    look:
      "Press Train. After a plateau both kernels find out which adjective belongs to the film. Move the " +
      "slider and watch the attention maps change; the monitor warns of heads that cannot learn.",
    claim: "Encoders with the Gaussian converge faster and are more accurate on texts and on Pathfinder (as reported).",
    measured:
      "On real mails the Gaussian was 0.1 points better (−1.0 to +1.1 at 95 %, ten seeds): no " +
      "difference seen. On Pathfinder pictures 0.3 points better (−0.8 to +1.5, twenty seeds): " +
      "no difference seen. The run on the page is one seed on generated sentences and decides nothing.",
    source: {
      page: "claims",
      words: "All claims",
      numbers: ["0.1 points", "−1.0 to +1.1", "0.3 points", "−0.8 to +1.5"],
    },
    openings: [
      { words: "Train here, sentences", page: "train-here", query: "" },
      { words: "A learning rate that is too large", page: "train-here", query: "steps=200&rate=0.3" },
    ],
  },
];

/**
 * The address of a page below the site's base.
 *
 * @param opening the page and its settings
 * @param stop the number of the stop, from 1
 */
export const addressOf = ({ page, query }: Opening, stop: number): string =>
  `/explore/${page}.html?tour=${stop}${query && `&${query}`}`;
