// Imports run one way: a layer may use the layers before it, never those after it. Folders of one layer do not import
// each other.
const layers = [
  ["core"],
  ["numerics"],
  ["autograd"],
  ["kernels"],
  ["cpu", "gpu"],
  ["nn"],
  ["weights"],
  ["analysis", "physics", "theory"],
  ["studies"],
  ["cli"],
];

const folder = (names) => `^src/(${names.join("|")})/`;
const upward = layers.slice(0, -1).map((names, i) => ({
  name: `${names.join("-")}-imports-upward`,
  comment: `${names.join(", ")} must not import ${layers
    .slice(i + 1)
    .flat()
    .join(", ")}`,
  severity: "error",
  from: { path: folder(names) },
  to: { path: folder(layers.slice(i + 1).flat()) },
}));
const sideways = layers.flatMap((names) =>
  names.flatMap((name) => {
    const others = names.filter((other) => other !== name);
    return others.length === 0
      ? []
      : [
          {
            name: `${name}-imports-sideways`,
            severity: "error",
            from: { path: folder([name]) },
            to: { path: folder(others) },
          },
        ];
  }),
);

const commandLineOnly = [
  "@observablehq/plot",
  "@thi.ng/distance",
  "cli-progress",
  "commander",
  "csv-parse",
  "fast-png",
  "linkedom",
];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...upward,
    ...sideways,
    {
      name: "numerics-imports-tensors",
      severity: "error",
      from: { path: folder(["numerics"]) },
      to: { path: "^src/core/tensor\\.ts$" },
    },
    { name: "circle", severity: "error", from: {}, to: { circular: true } },
    { name: "unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "index-is-imported",
      comment: "entry points are for users; the library imports the file that defines a name",
      severity: "error",
      from: { path: "^src/.+/" },
      to: { path: "^src/[a-z/]*index\\.ts$" },
    },
    {
      name: "library-reaches-command-line",
      comment: "what only the command line needs stays out of the library's bundle",
      severity: "error",
      from: { path: "^src/standalone\\.ts$" },
      to: { path: `^src/(studies|cli)/|^node_modules/(${commandLineOnly.join("|")})/`, reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
};
