import { joined } from "../kit/script.js";
import source from "./descent.js?raw";
import problem from "./problem.js?raw";
import { taskOf, type Settings } from "./settings.js";

/**
 * A script for Node that computes what the page shows.
 *
 * @param settings those of the page
 */
export function scriptOf(settings: Settings): string {
  return `${joined(problem, source)}
const settings = ${JSON.stringify({ ...taskOf(settings, settings.kernels[0]), kernel: undefined }, null, 2)};
for (const kernel of ${JSON.stringify(settings.kernels)}) {
  const { path, stepSize } = await descent({ ...settings, kernel });
  const { losses, certifiedAt } = path;
  const last = losses.at(-1);
  console.log(\`\${kernel}: step size \${stepSize}, \${losses.length - 1} steps, loss \${losses[0]} to \${last}\`);
  console.log(certifiedAt === null ? path.certificate.reason : \`proved from step \${certifiedAt} on\`);
}
`;
}
