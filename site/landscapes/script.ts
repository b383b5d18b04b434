import { joined } from "../kit/script.js";
import problem from "../three-matrices/problem.js?raw";
import source from "./landscape.js?raw";
import { taskOf, type Settings } from "./settings.js";

/**
 * A script for Node that computes what the page shows.
 *
 * @param settings those of the page
 */
export function scriptOf(settings: Settings): string {
  return `${joined(problem, source)}
for (const { kernel, losses, path } of await landscape(${JSON.stringify(taskOf(settings), null, 2)})) {
  console.log(\`\${kernel}: losses \${Math.min(...losses)} to \${Math.max(...losses)} on the plane\`);
  console.log(\`  descent from \${path.losses[0]} to \${path.losses.at(-1)} in \${path.steps.at(-1)} steps\`);
}
`;
}
