/** The extreme singular values of a matrix, of min(rows, columns). */
export interface SingularExtremes {
  readonly largest: number;
  readonly smallest: number;
}

/** The projections of a head. */
export type ProjectionName = "query" | "key" | "value" | "output";

/**
 * One head of a layer. A measure is undefined where it has no meaning: for a kernel without nonnegative weights, for
 * one token, or for a projection that the kernel does not have.
 */
export interface HeadRecord {
  /** Singular values of the kernel matrix above `2^-23 · size · σ_max`, the rounding of float32. */
  readonly rank?: number;
  /** σ_max/σ_min of the kernel matrix; infinite for a singular one. */
  readonly condition?: number;
  /**
   * The mean over rows of -Σ_j p_ij ln p_ij / ln(keys that the row sees), with p the weights divided by their row sum:
   * 0 for one key a row, 1 for uniform rows.
   */
  readonly entropy?: number;
  /**
   * Of a row-normalised kernel: the share of rows with Σ_j p_ij (1 - p_ij) < 1e-6, in which no score has an effect.
   */
  readonly saturated?: number;
  /** How much rows differ, `‖A - 1 ā‖_F / ‖A‖_F` with ā the mean row; undefined if a mask hides pairs. */
  readonly rowSpread?: number;
  /**
   * How much the weights of a row differ, `‖A - r‖_F / ‖A‖_F` with r_i the mean of row i over the keys it sees.
   */
  readonly keySpread?: number;
  /** The share of pairs, of those that are seen, whose weight is below 2^-126, the smallest normal float32. */
  readonly underflow?: number;
  /** ρ = Σ Var(α_ij) / Σ mean(α_ij)² over the probe's sequences: 0 if attention does not depend on the input. */
  readonly inputDependence?: number;
  /**
   * The head that is nearest on the first sequence. The distance is the larger of two: `‖A_h - A_g‖_F` in units of
   * the larger of both `‖A - r‖_F`, and `‖V_h - V_g‖_F` in units of the larger of both `‖V‖_F`.
   */
  readonly twin?: { readonly head: number; readonly distance: number };
  /** How much the value rows of a sequence differ, `(Σ ‖v_j - v̄‖² / Σ ‖v_j‖²)^½`. */
  readonly valueSpread: number;
  /** Extreme singular values of W^Q_h, W^K_h and W^V_h. */
  readonly query?: SingularExtremes;
  readonly key?: SingularExtremes;
  readonly value?: SingularExtremes;
  /** The norm of the gradient of each of the head's matrices. */
  readonly gradients: Readonly<Partial<Record<ProjectionName, number>>>;
}

/** One layer with attention. */
export interface LayerRecord {
  /** The path of its attention's parameters, such as "layers.0.attention". */
  readonly name: string;
  /** Whether its weights and its tokens are finite. */
  readonly finite: boolean;
  readonly heads: readonly HeadRecord[];
  /** Rows and columns of the square matrices that are decomposed: the tokens that are looked at, at most 64. */
  readonly size: number;
  /** Tokens, of those looked at, that equal an earlier one to float32's rounding before the layer. */
  readonly copies: number;
  /** The mean cosine of two tokens of a sequence after the layer. */
  readonly tokenCosine?: number;
  /** Of the output of attention after W^O, for the tokens looked at. */
  readonly attended: SingularExtremes;
  /** The same with the residual stream added. */
  readonly withResidual: SingularExtremes;
  /** ρ over all heads. */
  readonly inputDependence?: number;
  /** max_h(σ_max(W^Q_h), σ_max(W^K_h)) / min_h σ_min(W^V_h), and its reciprocal. */
  readonly queryKeyOverValue?: number;
  readonly valueOverQueryKey?: number;
}

/** One tensor of parameters. */
export interface WeightRecord {
  /** Its path, such as "layers.0.attention.query". */
  readonly name: string;
  readonly shape: readonly number[];
  /** ‖W‖ */
  readonly norm: number;
  /** ‖∂f/∂W‖; undefined without gradients. */
  readonly gradient?: number;
  /** ‖ΔW‖ / ‖W‖ of the latest step, W before it; undefined where the weights before the step are not known. */
  readonly update?: number;
}

/** What the monitor saw at one step. Plain data, so that it can be stored as JSON. */
export interface TrainingRecord {
  readonly step: number;
  readonly loss?: number;
  /** The norm of all gradients together. */
  readonly gradient?: number;
  /**
   * ‖θ‖ of all tensors with two axes or more together, and ‖Δθ‖ / ‖θ‖ of the latest step, θ before it.
   */
  readonly norm: number;
  readonly update?: number;
  readonly layers: readonly LayerRecord[];
  readonly weights: readonly WeightRecord[];
}
