/** How far the trained weights of a head may have moved. */
export interface Reach {
  /** ρ, the radius of the ball. */
  readonly radius: number;
  /** Most that W^V W^O changes, in spectral norm. */
  readonly drift: number;
  /** Bounds of ‖W^V‖ and ‖W^O‖ in the ball. */
  readonly valueNorm: number;
  readonly outputNorm: number;
}

/**
 * A bound `pα² + 2vαβ + 2oαω + 2mβω` on the second derivative of one row of outputs of one head, where α, β
 * and ω are the norms of the changes of (W^Q, W^K), of W^V and of W^O.
 */
interface Form {
  readonly p: number;
  readonly v: number;
  readonly o: number;
  readonly m: number;
}

/** The form of one row, as a function of how far the weights may have moved. */
export type Row = (reach: Reach) => Form;
