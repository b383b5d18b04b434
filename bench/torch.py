"""The bench's work in PyTorch on CUDA, as JSON on stdout: forward, and forward + backward, in ms."""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit("python3 has no torch")
if not torch.cuda.is_available():
    sys.exit("torch has no CUDA device")

options = argparse.ArgumentParser()
options.add_argument("--n", type=int)
options.add_argument("--heads", type=int)
options.add_argument("--dim", type=int)
options.add_argument("--runs", type=int)
given = options.parse_args()

CALLS = 20  # in a batch

# No TF32 in place of float32.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.manual_seed(1)


def gaussian(q, k, v):
    """exp(-gamma/2 |q-k|^2) v with gamma = 1/sqrt(d), written out for the compiler."""
    distance = (q * q).sum(-1, keepdim=True) + (k * k).sum(-1).unsqueeze(-2) - 2 * q @ k.transpose(-1, -2)
    return torch.exp(distance.clamp(min=0) * (-0.5 / q.shape[-1] ** 0.5)) @ v


def milliseconds(work):
    """Time of one call, in batches between two waits, like the bench's own times beside these."""
    for _ in range(3):
        work()
    samples = []
    for _ in range(given.runs):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(CALLS):
            work()
        torch.cuda.synchronize()
        samples.append((time.perf_counter() - start) * 1e3 / CALLS)
    return statistics.median(samples)


def formulations():
    yield "softmax", "scaled_dot_product_attention", lambda: F.scaled_dot_product_attention
    yield "softmax", "FlexAttention, compiled", lambda: torch.compile(__import__("torch.nn.attention.flex_attention", fromlist=["flex_attention"]).flex_attention)
    yield "gaussian", "eager", lambda: gaussian
    yield "gaussian", "compiled", lambda: torch.compile(gaussian)


rows = []
for dtype in (torch.float32, torch.float16):
    q, k, v = (torch.randn(1, given.heads, given.n, given.dim, device="cuda", dtype=dtype, requires_grad=True) for _ in range(3))
    for kernel, name, make in formulations():
        row = {"kernel": kernel, "formulation": name, "dtype": str(dtype).replace("torch.", "")}
        try:
            function = make()
            with torch.no_grad():
                row["forward"] = milliseconds(lambda: function(q, k, v))
            row["causal"] = None
            if name.startswith("scaled"):
                with torch.no_grad():
                    row["causal"] = milliseconds(lambda: function(q, k, v, is_causal=True))
            row["forwardBackward"] = milliseconds(lambda: torch.autograd.grad((function(q, k, v) * v).sum(), (q, k, v)))
        except Exception as error:  # a formulation that this version lacks, or that runs out of memory
            row["failed"] = f"{type(error).__name__}: {error}".split("\n")[0]
        rows.append(row)
print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name(), "rows": rows}))
