"""axonomy beside what one would write instead, in one process, taking turns.

    OMP_NUM_THREADS=1 python bench/peers/run.py [--rules uoro,rflo] [--hidden 32,128] [--dtype
    float64] [--turns 5]

A peer is a function ``runner(rule, W, W_out, X, Y, lr)`` that returns a function taking k steps, or
None; it gets a line in PEERS. See README.md in the folder above.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy_plain
import numpy_tuned

import axonomy as ax
from axonomy import speed

PEERS = {"NumPy": numpy_plain.runner, "NumPy tuned": numpy_tuned.runner}
# Least ratios, float64, by peer, rule and size.
TARGETS = {
    ("NumPy", "uoro", 32): 25,
    ("NumPy", "rflo", 32): 25,
    ("NumPy", "kf_rtrl", 32): 25,
    ("NumPy", "rtrl", 32): 4,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", default="rtrl,uoro,kf_rtrl,rflo,snap")
    parser.add_argument("--hidden", default="32,128")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    missed = 0
    print(
        f"{'rule':10} {'n':>4} {'dtype':8} {'axonomy':>12}",
        *(f"{p:>12} {'ratio':>7}" for p in PEERS),
        " target",
    )
    for n in map(int, options.hidden.split(",")):
        for name in options.rules.split(","):
            found = compare(name, n, options.dtype, options.seconds, options.turns)
            line = f"{name:10} {n:4} {options.dtype:8} {found['axonomy']:12,.0f}"
            for peer in PEERS:
                if peer not in found:
                    line += f" {'-':>12} {'':7}"
                    continue
                ratio = found["axonomy"] / found[peer]
                line += f" {found[peer]:12,.0f} {ratio:6.1f}x"
                target = TARGETS.get((peer, name, n)) if options.dtype == "float64" else None
                if target is not None:
                    line += f"  >= {target}x {'' if ratio >= target else 'MISSED'}"
                    missed += ratio < target
            print(line, flush=True)
    return min(missed, 1)


def compare(name: str, n: int, dtype: str, seconds: float, turns: int) -> dict[str, float]:
    """Return steps per second, of the library and of each peer that has the rule."""
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=n, n_out=2, seed=0, dtype=dtype)
    W_out = np.column_stack([rnn.W_out, rnn.b_out])
    stream = speed.add_stream()
    X, Y = stream.X.astype(dtype), stream.Y.astype(dtype)
    runners: dict[str, speed.Runner] = {"axonomy": speed.training(ax.as_rule(name), n, dtype)}
    for peer, make in PEERS.items():
        run = make(name, rnn.W, W_out, X, Y, 1e-4)
        if run is not None:
            runners[peer] = run
    return {key: value.median for key, value in speed.measure(runners, seconds, turns).items()}


if __name__ == "__main__":
    raise SystemExit(main())
