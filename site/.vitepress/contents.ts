import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { DefaultTheme } from "vitepress";

const docs = join(import.meta.dirname, "../../docs");

const pages = (...entries: readonly (readonly [text: string, page: string])[]): DefaultTheme.SidebarItem[] =>
  entries.map(([text, page]) => ({ text, link: `/docs/${page}` }));

/** Every page of a folder of docs/ under its own name. */
const folder = (name: string): DefaultTheme.SidebarItem[] =>
  readdirSync(join(docs, name))
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .sort()
    .map((file) => ({ text: file.slice(0, -3), link: `/docs/${name}/${file.slice(0, -3)}` }));

/** The pages on which the library computes. */
const explorable: DefaultTheme.SidebarItem[] = [
  { text: "A guided tour", link: "/explore/tour" },
  { text: "Three matrices", link: "/explore/three-matrices" },
  { text: "What a kernel sees", link: "/explore/what-a-kernel-sees" },
  { text: "Landscapes", link: "/explore/landscapes" },
  { text: "Train here", link: "/explore/train-here" },
  { text: "Your kernel", link: "/explore/your-kernel" },
  { text: "Your model", link: "/explore/your-model" },
  { text: "Spins", link: "/explore/spins" },
  { text: "Your GPU", link: "/explore/your-gpu" },
];

const groups: DefaultTheme.SidebarItem[] = [
  { text: "Explore", items: explorable },
  {
    text: "Start",
    items: [
      { text: "Overview", link: "/README" },
      ...pages(
        ["Training", "training"],
        ["In a browser", "browser"],
        ["Coming from PyTorch", "from-pytorch"],
        ["Memory and lifetimes", "memory"],
        ["NaN, infinity, empty rows", "edge-cases"],
        ["Stored weights", "weights"],
        ["A monitor of a training", "monitor"],
      ),
    ],
  },
  {
    text: "Kernels",
    items: [...pages(["All kernels", "kernels/README"], ["Write your own", "own-kernel"]), ...folder("kernels")],
  },
  { text: "Theory", items: pages(["When descent must converge", "theory"], ["Certificates", "certificates"]) },
  {
    text: "Studies",
    items: pages(
      ["Running studies", "studies"],
      ["Three matrices", "dynamics"],
      ["Text", "text"],
      ["Pathfinder", "pathfinder"],
      ["Spins and Potts", "physics"],
      ["Masked words", "symmetric"],
      ["Contaminated texts", "elliptical"],
    ),
  },
  {
    text: "Names",
    items: ["index", "nn", "theory", "weights", "analysis", "physics"].map((name) => ({
      text: name === "index" ? "attention-kernels" : `attention-kernels/${name}`,
      link: name === "index" ? "/api/index/README" : `/api/${name}`,
    })),
  },
  {
    text: "The project",
    items: [
      ...pages(["Architecture", "architecture"], ["Notation", "notation"], ["Performance", "performance"]),
      ...folder("adr"),
      { text: "Contributing", link: "/CONTRIBUTING" },
      { text: "Changelog", link: "/CHANGELOG" },
    ],
  },
];

export const sidebar: DefaultTheme.Sidebar = { "/explore/": [groups[0]], "/": groups };

export const navigation: DefaultTheme.NavItem[] = [
  { text: "Explore", link: "/explore/three-matrices", activeMatch: "^/explore/" },
  { text: "Documentation", link: "/README", activeMatch: "^/(README|docs/)" },
  { text: "Names", link: "/api/README", activeMatch: "^/api/" },
];
