// npm run docs and npm run docs:build: the site of site/, from the pages of docs/ and the comments of src/.
//
//   npm run docs                               serves it while you edit
//   npm run docs:build -- --base /somewhere/   writes out/site for a server that has it below /somewhere/; default /
import { follow, tool } from "./processes.mjs";
import { describeNames, install } from "./setup.mjs";

const [command, ...options] = process.argv.slice(2);
await install();
const described = await describeNames();
if (described.code === 0)
  process.exitCode = await follow([tool("vitepress/bin/vitepress.js"), command, "site", ...options], process.env);
else {
  console.error(described.output);
  process.exitCode = 1;
}
