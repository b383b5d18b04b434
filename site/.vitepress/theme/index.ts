import "katex/dist/katex.min.css";
import { withBase, type Theme } from "vitepress";
import theme from "vitepress/theme";
import { h } from "vue";
import TourBar from "../../tour/TourBar.vue";
import picture from "../../../docs/images/three-matrices.png";
import "./style.css";

/** The first page shows what the others do. */
const heroImage = () =>
  h("a", { class: "home-picture", href: withBase("/explore/three-matrices.html") }, [
    h("img", {
      src: picture,
      alt: "Three matrices: softmax stands still on equal values, the Gaussian converges, and its success is proved",
    }),
  ]);

export default {
  extends: theme,
  Layout: () => h(theme.Layout, null, { "home-hero-image": heroImage, "doc-before": () => h(TourBar) }),
} satisfies Theme;
