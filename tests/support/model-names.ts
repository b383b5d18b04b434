/** The names of the four projections of a layer in the layouts of Hugging Face. */
export const layouts = {
  bert: (layer: number) => names(`encoder.layer.${layer}.attention`, "self"),
  vit: (layer: number) => names(`encoder.layer.${layer}.attention`, "attention"),
} as const;

function names(stem: string, inner: string) {
  return {
    query: `${stem}.${inner}.query.weight`,
    key: `${stem}.${inner}.key.weight`,
    value: `${stem}.${inner}.value.weight`,
    output: `${stem}.output.dense.weight`,
  };
}
