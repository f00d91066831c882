"""The rival in PyTorch learns as the library's rule of that name does, as long as the weights hardly move."""

from __future__ import annotations

import numpy as np
import pytest

import axonomy as ax
from drawing import assert_close
from exchanged import IN_TORCH, equations_id, full, in_our_layout

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make exchange runs these tests")

from axonomy.peers.torch_loop import Rolling  # noqa: E402


@pytest.mark.parametrize("cell, settings", IN_TORCH, ids=equations_id)
@pytest.mark.parametrize("window", [1, 3, 20])
def test_gradients(cell: type[ax.Cell], settings: dict[str, str], window: int) -> None:
    rnn = full(cell, settings)
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(8, 3)), rng.dirichlet(np.ones(2), size=8)
    ours = ax.gradients(rnn, ax.rules.tbptt(window), X, Y)
    peer = Rolling(rnn, window, lr=0.0)
    for t in range(8):
        loss = peer.step(torch.from_numpy(X[t]), torch.from_numpy(Y[t]))
        assert_close(np.array(loss), ours.loss[t], 1e-12)
        there = rnn.shape.weights
        assert_close(there * in_our_layout(cell.kind, peer.module), ours.recurrent[t], 1e-12)
        assert_close(peer.readout.weight.grad.numpy(), ours.output[t][:, :-1], 1e-12)


def test_it_learns() -> None:
    rnn = full(ax.GRU, {})
    peer = Rolling(rnn, 5, lr=0.1)
    x, y = torch.ones(3, dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)
    losses = [peer.step(x, y) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
