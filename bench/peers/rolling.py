"""Online learning of RNN, GRU and LSTM beside PyTorch, in one process, taking turns.

    OMP_NUM_THREADS=1 python bench/peers/rolling.py [--hidden 32,128] [--dtype both] [--window 20]

What one would write in PyTorch to learn from a stream at every step is rolling truncated backpropagation
(``axonomy.peers.torch_loop.Rolling``). Beside it the library's rule of that name and window, and its exact
gradient (lazy RTRL), which has no window. Needs ``axonomy[torch]``.
"""

from __future__ import annotations

import argparse

import torch

import axonomy as ax
from axonomy import speed
from axonomy.peers.torch_loop import Rolling

CELLS = ("leaky_rnn", "gru", "lstm")


def runner(rnn: ax.Cell, window: int) -> speed.Runner:
    """Return what takes k steps of a stream."""
    stream = speed.add_stream()
    X, Y = (torch.from_numpy(array.astype(rnn.dtype)) for array in (stream.X, stream.Y))
    rolling = Rolling(rnn, window, speed.LEARNING_RATE)
    at = 0

    def run(steps: int) -> None:
        nonlocal at
        for _ in range(steps):
            rolling.step(X[at], Y[at])
            at = (at + 1) % len(X)

    return run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", default="32,128")
    parser.add_argument("--dtype", default="both")
    parser.add_argument("--window", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rules = {"TBPTT": ax.rules.tbptt(options.window), "exact": ax.rules.rtrl_lazy()}
    print(
        f"{'cell':10} {'n':>4} {'dtype':8} {'PyTorch':>10}", *(f"{rule:>10} {'ratio':>7}" for rule in rules)
    )
    for n in map(int, options.hidden.split(",")):
        for dtype in ("float64", "float32") if options.dtype == "both" else (options.dtype,):
            for cell in CELLS:
                runners = {name: speed.training(rule, n, dtype, cell) for name, rule in rules.items()}
                runners["PyTorch"] = runner(speed.network(rules["exact"], n, dtype, cell), options.window)
                found = speed.measure(runners, options.seconds, options.turns)
                peer = found["PyTorch"].median
                ratios = (f"{found[name].median:10,.0f} {found[name].median / peer:6.1f}x" for name in rules)
                print(f"{cell:10} {n:4} {dtype:8} {peer:10,.0f}", *ratios, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
