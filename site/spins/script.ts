import source from "./learn.js?raw";
import { taskOf, type Settings } from "./settings.js";

/**
 * A script for Node that computes what the page shows.
 *
 * @param settings those of the page
 */
export function scriptOf(settings: Settings): string {
  const tasks = settings.kernels.map((kernel) => taskOf(settings, kernel));
  return `${source}
const exact = exactEnergy(${settings.j2});
console.log("exact energy per site", exact);
for (const task of ${JSON.stringify(tasks, null, 2)})
  await learn(task, ({ energy, dependence }) => console.log(task.kernel, energy, energy / exact, "rho", dependence));
`;
}
