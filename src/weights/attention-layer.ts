/** The projections of one attention layer: W_q, W_k, W_v and W_o. */
export type Projection = "query" | "key" | "value" | "output";

/** A matrix [rows, columns] = [out, in] of a projection in a file, or a part of one. */
export interface StoredMatrix {
  /** Its tensor; several if each head has its own, whose rows follow each other. */
  readonly names: readonly string[];
  readonly rows: number;
  readonly columns: number;
  /** Whether the tensor is stored as [in, out], for x W, rather than [out, in], for x Wᵀ. */
  readonly transposed: boolean;
  /** The first of its rows in the tensor, which has `total` rows. */
  readonly first: number;
  readonly total: number;
  /**
   * Of how many matrices the rows alternate from head to head, such as 3 of W_q, W_k and W_v. This one is number
   * `first / rows` of them, from 0.
   */
  readonly alternating?: number;
}

/** The projections of one attention layer in a file: W_q [heads·d, D], W_k, and W_v and W_o if they are there. */
export interface AttentionLayer {
  /** The number of the layer, or its numbers in stages: "3", "1.0". */
  readonly label: string;
  readonly query: StoredMatrix;
  /** Fewer rows than the queries have if groups of heads share keys. */
  readonly key: StoredMatrix;
  readonly value?: StoredMatrix;
  readonly output?: StoredMatrix;
  /** The number of heads, where the file says it. */
  readonly heads?: number;
}
