import { cellsOf, colorOf, HEIGHT, project, type Seen, type View } from "./view.js";

/** Pixels below the box for a label. */
const LABEL = 20;

/** What a picture shows: all of it in units of its box. */
export interface Picture {
  readonly view: View;
  /** Heights on a grid of `points` × `points`. */
  readonly heights: readonly number[];
  readonly points: number;
  /** The descent: places from -1 to 1, and heights. */
  readonly path: readonly { readonly x: number; readonly y: number; readonly height: number }[];
  /** Points of the path that are done. */
  readonly done: number;
  /** What the directions are. */
  readonly labels: readonly [x: string, y: string];
  readonly colors: { readonly path: string; readonly text: string; readonly line: string; readonly paper: string };
}

type Pixel = readonly [x: number, y: number];

/** The nearer of the two edges along a direction: there its label hides nothing. */
const nearer = (one: Seen, other: Seen): Seen => (one.depth < other.depth ? one : other);

function floor(context: CanvasRenderingContext2D, { view, colors }: Picture, at: (seen: Seen) => Pixel): void {
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const [x, y] of [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ])
    context.lineTo(...at(project(view, x, y, 0)));
  context.closePath();
  context.stroke();
}

/** The names of the directions, outside the floor's front edges. */
function names(
  context: CanvasRenderingContext2D,
  { view, labels, colors }: Picture,
  at: (seen: Seen) => Pixel,
  width: number,
): void {
  context.fillStyle = colors.text;
  context.strokeStyle = colors.paper;
  context.lineWidth = 4;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "top";
  context.textAlign = "center";
  const middles = [
    nearer(project(view, 0, -1.06, 0), project(view, 0, 1.06, 0)),
    nearer(project(view, -1.06, 0, 0), project(view, 1.06, 0, 0)),
  ];
  middles.forEach((middle, axis) => {
    const [x, y] = at(middle);
    const half = context.measureText(labels[axis]).width / 2;
    const place = Math.min(width - half - 4, Math.max(half + 4, x + 2 * half * middle.x));
    context.strokeText(labels[axis], place, y + 4);
    context.fillText(labels[axis], place, y + 4);
  });
}

/**
 * Draws a surface, the furthest cells first, and the descent over it.
 *
 * @param canvas where; it gets as many pixels as its place on the screen has
 * @param picture what
 */
export function draw(canvas: HTMLCanvasElement, picture: Picture): void {
  const { view, heights, points, path, done, colors } = picture;
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const tilt = (view.tilt * Math.PI) / 180;
  const high = HEIGHT * Math.cos(tilt) + 2 * Math.SQRT2 * Math.sin(tilt);
  const scale = Math.min(width / 2.9, (height - 2 * LABEL) / high);
  const at = ({ x, y }: Seen): Pixel => [width / 2 + scale * x, height / 2 - LABEL / 2 - scale * y];
  floor(context, picture, at);
  context.lineWidth = 0.6;
  context.lineJoin = "round";
  for (const { corners, height: own } of cellsOf(view, heights, points)) {
    if (!Number.isFinite(own)) continue;
    context.beginPath();
    corners.forEach((corner) => context.lineTo(...at(corner)));
    context.closePath();
    context.fillStyle = colorOf(own);
    context.strokeStyle = "rgb(0 0 0 / 0.28)";
    context.fill();
    context.stroke();
  }
  names(context, picture, at, width);
  const seen = path
    .filter(({ x, y }) => Math.abs(x) <= 1 && Math.abs(y) <= 1)
    .map(({ x, y, height: own }) => at(project(view, x, y, own)));
  const line = (places: readonly Pixel[], stroke: string, thick: number): void => {
    context.beginPath();
    places.forEach((place) => context.lineTo(...place));
    context.strokeStyle = stroke;
    context.lineWidth = thick;
    context.stroke();
  };
  const dot = ([x, y]: Pixel, radius: number, fill: string): void => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = colors.path;
    context.lineWidth = 2;
    context.stroke();
  };
  if (seen.length === 0) return;
  line(seen, colors.paper, 1.5);
  const past = seen.slice(0, done);
  line(past, colors.paper, 5);
  line(past, colors.path, 2.5);
  dot(seen[0], 5, colors.paper);
  if (past.length > 0) dot(past[past.length - 1], 6, colors.path);
}
