import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import { expect, it } from "vitest";
import * as library from "../../src/index.js";
import { cpu, indices, ops, random, requestGpu, type Tensor, type ParameterTree } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { available } from "../support/gpu.js";
import { plainAttention, plainScores, softmaxOf, times, type Changes, type Heads } from "../support/plain-attention.js";

const page = readFileSync(new URL("../../docs/from-pytorch.md", import.meta.url), "utf8");
/** What PyTorch says and what is said here, by line. */
const lines = [...page.matchAll(/^\| `(.+?)` \| `(.+?)` \|/gm)].map(([, theirs, ours]) => [theirs, ours] as const);

const [batch, heads, n, m, d] = [2, 2, 5, 5, 3];
const stream = random(3);
const normal = (...shape: number[]): Tensor =>
  cpu.tensor(stream.normals(shape.reduce((size, extent) => size * extent, 1)), shape);

/** The numbers of a tensor, nested by its axes. */
async function nested<Rows>(tensor: Tensor): Promise<Rows> {
  let rows: unknown[] = Array.from(await tensor.read());
  for (const extent of tensor.shape.slice(1).reverse())
    rows = Array.from({ length: rows.length / extent }, (_, row) => rows.slice(row * extent, (row + 1) * extent));
  return rows as Rows;
}

const [q, k, v] = [normal(batch, heads, n, d), normal(batch, heads, m, d), normal(batch, heads, m, d)];
const oneHead = { k: normal(batch, 1, m, d), v: normal(batch, 1, m, d) };
const document = [0, 0, 1, 1, 1];
const seen = Array.from({ length: n * m }, (_, at) => at % 3 !== 1 && at >= m);
const bias = normal(1, heads, n, m);
const table = normal(heads, n + m - 1);
const slopes = cpu.tensor([0.5, 0.25]);
const x = normal(2, 5, 4);
const y = normal(2, 5, 4);
const w = normal(4, 3);
const [scale, shift] = [normal(4), normal(4)];
const words = normal(6, 4);
const ids = indices([5, 0, 2, 2, 1, 3], [2, 3]);
const logits = normal(2, 3, 6);
const labels = ids;
const layer = {
  ...nn.multiHead({ kernel: library.softmax(), width: 4, heads: 2, bias: true }).initialize(cpu, random(4)),
  ...{ queryBias: normal(4), keyBias: normal(4), valueBias: normal(4), outputBias: normal(4) },
};
const p = { a: normal(2, 2), b: [normal(3)] };
const state = await nn.stateDict({ a: normal(2, 2), b: [normal(3)] });
/** Half the squared length: its gradient is the parameters themselves. */
const loss = (tree: typeof p): Tensor =>
  ops.multiply(ops.add(ops.sum(ops.square(tree.a)), ops.sum(ops.square(tree.b[0]))), 0.5);
const gradients = { a: normal(2, 2), b: [normal(3)] };
const gpu = available ? await requestGpu() : undefined;

const values = {
  ...library,
  ...nn,
  ...{ q, k, v, oneHead, document, seen, bias, table, slopes, n, m, x, y, w, scale, shift, words, ids, logits, labels },
  ...{ layer, p, state, loss, gradients, gpu, backend: cpu },
};
const evaluate = (code: string): Promise<unknown> =>
  (compileFunction(`return (async () => (${code}))()`, Object.keys(values)) as (...all: unknown[]) => Promise<unknown>)(
    ...Object.values(values),
  );

const flat = (values: unknown): number[] => [values].flat(9) as number[];
const expectNumbers = async (result: unknown, expected: unknown): Promise<void> => {
  const read = Array.from(await (result as Tensor).read());
  const wanted = flat(expected);
  expect(read).toHaveLength(wanted.length);
  read.forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 12));
};

type Check = (result: unknown) => Promise<void> | void;
const gives =
  (expected: () => Promise<unknown>): Check =>
  async (result) =>
    expectNumbers(result, await expected());
const attends = (changes: Changes | (() => Promise<Changes>) = {}, from: { k: Tensor; v: Tensor } = { k, v }): Check =>
  gives(async () =>
    plainAttention(
      await nested<Heads>(q),
      await nested<Heads>(from.k),
      await nested<Heads>(from.v),
      typeof changes === "function" ? await changes() : changes,
    ),
  );

type Matrix = number[][];
const rowsOf = async (tensor: Tensor): Promise<Matrix> =>
  nested<Matrix>(ops.reshape(tensor, [-1, tensor.shape.at(-1)!]));
const mapped = (change: (row: number[]) => number[]): Check => gives(async () => (await rowsOf(x)).map(change));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** `nn.MultiheadAttention` over x: PyTorch's formula, with `layer` in the place of its weights. */
async function multiheadAttention(changes: Changes): Promise<unknown> {
  const matrix = (name: string) => nested<Matrix>(layer[name as keyof typeof layer]);
  const plus = async (rows: Matrix, name: string) => {
    const added = await nested<number[]>(layer[`${name}Bias` as keyof typeof layer]);
    return rows.map((row) => row.map((value, column) => value + added[column]));
  };
  const tokens = await nested<Matrix[]>(x);
  const projected = async (name: string): Promise<Heads> => {
    const weights = await matrix(name);
    const all = await Promise.all(tokens.map((rows) => plus(times(rows, weights), name)));
    return all.map((rows) => [0, 1].map((head) => rows.map((row) => row.slice(2 * head, 2 * head + 2))));
  };
  const mixed = plainAttention(await projected("query"), await projected("key"), await projected("value"), changes);
  const output = await matrix("output");
  return Promise.all(
    mixed.map(([first, second]) =>
      plus(
        times(
          first.map((row, i) => [...row, ...second[i]]),
          output,
        ),
        "output",
      ),
    ),
  );
}

/** What two steps of an optimiser do to a number 2 with gradients 0.5 and -1, by a formula from its paper. */
const steps =
  (rule: (gradient: number, number: number, step: number) => number): Check =>
  async (optimizer) => {
    const tree = { x: cpu.tensor([2]) };
    let expected = 2;
    for (const [step, gradient] of [0.5, -1].entries()) {
      (optimizer as nn.Optimizer).step(tree, { x: cpu.tensor([gradient]) });
      expected = rule(gradient, expected, step + 1);
    }
    await expectNumbers(tree.x, expected);
  };
const momentum = (): Check => {
  let velocity = 0;
  return steps((gradient, number) => number - 0.1 * (velocity = 0.9 * velocity + gradient));
};
const moments = (decay: number): Check => {
  let [first, second] = [0, 0];
  return steps((gradient, number, step) => {
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient ** 2;
    const [a, b] = [first / (1 - 0.9 ** step), second / (1 - 0.999 ** step)];
    return number * (1 - 0.1 * decay) - (0.1 * a) / (Math.sqrt(b) + 1e-8);
  });
};
const rates =
  (expected: (step: number) => number): Check =>
  (schedule) => {
    for (const step of [0, 1, 2, 5, 10]) expect((schedule as nn.Schedule)(step)).toBeCloseTo(expected(step), 14);
  };

/** The numbers of a tree, one after another. */
const numbersIn = async (tree: ParameterTree): Promise<number[]> =>
  Object.values(await nn.stateDict(tree)).flatMap(({ data }) => Array.from(data));

const checks: Readonly<Record<string, Check>> = {
  "F.scaled_dot_product_attention(q, k, v)": attends(),
  "is_causal=True": attends({ sees: (_b, _h, i, j) => j <= i }),
  "attn_mask=seen": attends({ sees: (_b, _h, i, j) => seen[i * m + j] }),
  "attn_mask=bias": attends(async () => {
    const [added] = await nested<Heads>(bias);
    return { score: (score, _b, h, i, j) => score + added[h][i][j] };
  }),
  "scale=0.5": attends({ scale: 0.5 }),
  "enable_gqa=True": attends({}, oneHead),
  "q_idx >= kv_idx": attends({ sees: (_b, _h, i, j) => i >= j }),
  "abs(q_idx - kv_idx) <= 2": attends({ sees: (_b, _h, i, j) => Math.abs(i - j) <= 2 }),
  "document[q_idx] == document[kv_idx]": attends({ sees: (_b, _h, i, j) => document[i] === document[j] }),
  "(q_idx + kv_idx) % 2 == 0": attends({ sees: (_b, _h, i, j) => (i + j) % 2 === 0 }),
  "and_masks(a, b)": attends({ sees: (_b, _h, i, j) => i >= j && document[i] === document[j] }),
  "or_masks(a, b)": attends({ sees: (_b, _h, i, j) => i >= j || document[i] === document[j] }),
  "score - slope[h] * abs(q_idx - kv_idx)": attends({
    score: (score, _b, h, i, j) => score - [0.5, 0.25][h] * Math.abs(i - j),
  }),
  "score + table[h, q_idx - kv_idx + m - 1]": attends(async () => {
    const rows = await nested<Matrix>(table);
    return { score: (score, _b, h, i, j) => score + rows[h][i - j + m - 1] };
  }),
  "cap * tanh(score / cap)": attends({ score: (score) => 2 * Math.tanh(score / 2) }),
  "return_lse=True": gives(async () =>
    flat(
      plainScores(await nested<Heads>(q), await nested<Heads>(k)).map((entry) =>
        entry.map((rows) => rows.map((row) => Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0)))),
      ),
    ),
  ),
  "nn.MultiheadAttention(4, 2, batch_first=True)": gives(() => multiheadAttention({})),
  "key_padding_mask=padding": gives(() => multiheadAttention({ sees: (b, _h, _i, j) => j < [3, 5][b] })),
  "F.layer_norm(x, [4], weight, bias)": gives(async () => {
    const [weight, added] = [await nested<number[]>(scale), await nested<number[]>(shift)];
    return (await rowsOf(x)).map((row) => {
      const centered = row.map((value) => value - mean(row));
      const deviation = Math.sqrt(mean(centered.map((value) => value ** 2)) + 1e-5);
      return centered.map((value, c) => (value / deviation) * weight[c] + added[c]);
    });
  }),
  'F.gelu(x, approximate="tanh")': mapped((row) =>
    row.map((value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)))),
  ),
  "F.softmax(x, dim=-1)": mapped(softmaxOf),
  "F.embedding(ids, table)": gives(async () => {
    const rows = await nested<Matrix>(words);
    return Array.from(ids.values, (id) => rows[id]);
  }),
  "F.cross_entropy(logits, labels)": gives(async () =>
    mean((await rowsOf(logits)).map((row, at) => -Math.log(softmaxOf(row)[labels.values[at]]))),
  ),
  "F.mse_loss(x, y)": gives(async () => {
    const [one, other] = [Array.from(await x.read()), await y.read()];
    return mean(one.map((value, at) => (value - other[at]) ** 2));
  }),
  "F.dropout(x, 0.5)": async (result) => {
    const [before, after] = [await x.read(), await (result as Tensor).read()];
    const kept = after.filter((value) => value !== 0);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(30);
    after.forEach((value, at) => expect([0, 2 * before[at]]).toContain(value));
  },
  "x @ w": gives(async () => times(await rowsOf(x), await nested<Matrix>(w))),
  "x.transpose(1, 2)": gives(async () =>
    (await nested<Matrix[]>(x)).map((rows) => rows[0].map((_, column) => rows.map((row) => row[column]))),
  ),
  "x.detach()": async (result) => {
    await expectNumbers(result, Array.from(await x.read()));
    const { gradients } = library.valueAndGrad((t) => ops.sum(ops.multiply(ops.stopGradient(t.x), t.x)), { x });
    await expectNumbers(gradients.x, Array.from(await x.read()));
  },
  "loss.backward()": async (result) => expect(await numbersIn(result as ParameterTree)).toEqual(await numbersIn(p)),
  "zero_grad(); backward(); step()": async (result) => {
    const after = await numbersIn(p);
    const squares = after.reduce((sum, value) => sum + (value / 0.9) ** 2, 0);
    expect(result).toBeCloseTo(squares / 2, 12);
  },
  "torch.optim.SGD(params, 0.1, momentum=0.9)": momentum(),
  "torch.optim.Adam(params, 0.1)": moments(0),
  "torch.optim.AdamW(params, 0.1)": moments(0.01),
  "clip_grad_norm_(params, 0.5)": async (result) => {
    const before = await numbersIn(gradients);
    const norm = Math.hypot(...before);
    expect(norm).toBeGreaterThan(0.5);
    (await numbersIn(result as ParameterTree)).forEach((value, at) =>
      expect(value).toBeCloseTo((before[at] * 0.5) / norm, 12),
    );
  },
  "CosineAnnealingLR(optimizer, T_max=10)": rates((step) => 0.05 * (1 + Math.cos((Math.PI * step) / 10))),
  get_linear_schedule_with_warmup: rates((step) => (step < 3 ? (0.1 * (step + 1)) / 4 : (0.1 * (10 - step)) / 7)),
  "torch.autograd.gradcheck(loss, p)": (passed) => expect(passed).toBe(true),
  "model.state_dict()": async (result) => {
    expect(Object.keys(result as object)).toEqual(["a", "b.0"]);
    expect(Object.values(result as nn.StateDict).flatMap(({ data }) => Array.from(data))).toEqual(await numbersIn(p));
  },
  "model.load_state_dict(state)": async () =>
    expect(await numbersIn(p)).toEqual(Object.values(state).flatMap(({ data }) => Array.from(data))),
  "copy.deepcopy(model)": async (result) => {
    const before = await numbersIn(p);
    nn.gradientDescent({ stepSize: 1 }).step(p, gradients);
    expect(await numbersIn(result as ParameterTree)).toEqual(before);
    expect(await numbersIn(p)).not.toEqual(before);
  },
  "sum(w.numel() for w in model.parameters())": (count) => expect(count).toBe(7),
  "torch.manual_seed(1)": (result) => expect((result as library.Random).normals(3)).toEqual(random(1).normals(3)),
  "torch.tensor([[1, 2], [3, 4]])": gives(() => Promise.resolve([1, 2, 3, 4])),
  "torch.full((2, 2), 3)": gives(() => Promise.resolve([3, 3, 3, 3])),
  'x.to("cuda")': async (result) => {
    expect((result as Tensor).backend).toBe(gpu);
    const [before, after] = [await x.read(), await (result as Tensor).read()];
    expect(Array.from(after)).toEqual(Array.from(before, Math.fround));
    gpu!.dispose();
  },
  "x.tolist()": async (result) => expect(result).toEqual(Array.from(await x.read())),
  "with torch.no_grad():": gives(async () => Array.from(await x.read(), (value) => 2 * value)),
};

it("every line has its check", () => expect(lines.map(([theirs]) => theirs)).toEqual(Object.keys(checks)));

for (const [theirs, ours] of lines)
  it.skipIf(theirs === 'x.to("cuda")' && gpu === undefined)(`${theirs}: ${ours}`, async () =>
    checks[theirs](await evaluate(ours)),
  );
