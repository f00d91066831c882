"""Training: a network, a rule and an optimiser on a stream."""

from __future__ import annotations

import copy
import functools
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from axonomy import _check, _core
from axonomy._files import whole
from axonomy._sequence import inputs, sequence, target
from axonomy.cells import CELLS
from axonomy.cells.base import Cell, FloatArray
from axonomy.errors import Diverged
from axonomy.history import History
from axonomy.learner import core_initial, core_learner
from axonomy.optimisers import Optimiser, optimiser_from_dict
from axonomy.rule import Rule
from axonomy.rules import as_rule

MONITORS = ("loss", "gradient_norm", "state_norm", "spectral_radius")
Callback = Callable[[int, float], object]
_CALLBACK_SECONDS = 0.1
# Bytes of W from which a rule that is one trace of W's size is delayed (core/delayed_trace.hpp).
_DELAY_FROM = 65536


class Trainer:
    """Trains a network online, in place.

    Order within a step: forward with the current weights; loss and error; the learner's update; gradient;
    optimiser. The output weights always get ``e ⊗ [a, 1]``.

    While a network is run, whatever else would run or change it raises a RuntimeError: a call of the same
    trainer or another, and setting its arrays from another thread. The run's own callback may set them.

    Parameters
    ----------
    rnn : Cell
        The network, trained in place.
    rule : Rule, str, dict or function of ``axonomy.rules``
    optimiser : Optimiser
    seed : int
        Of the rule's random numbers and of the state noise.
    update_every : int
        Steps whose gradients are summed for one update.
    streams : int
        Independent streams B that share the weights, each with a state and a learner of its own; the
        gradient is the mean over them. All begin in the network's state; the network's own is that of the
        first, :attr:`states` has all. Stream b draws random numbers as a trainer of its own with ``seed +
        b`` would.
    threads : int
        Threads that share the streams out, at most one a stream; of a single stream, the columns of the
        large products within a step: of RTRL, its lazy form and ki|j, ki|ij and kj|ij, where the network is
        large enough to gain by it. No bit depends on how many there are. In a process that was forked off
        there are none of them, and one does it all.
    initial : dict of arrays, optional
        What the learner starts from; as in :func:`axonomy.gradients`.

    Attributes
    ----------
    rnn, rule, optimiser, seed, update_every, streams, threads
    history : History
        Of the last call of :meth:`run`, also of one that was interrupted.

    Raises
    ------
    ValueError
        If an argument is not what it should be.
    IncompatibleCell
        If the rule cannot run on such a network.
    RuntimeError
        If so many threads cannot be had.

    Examples
    --------
    >>> import axonomy as ax
    >>> stream = ax.tasks.Add().generate(1000, seed=0)
    >>> rnn = ax.LeakyRNN.random(n_in=2, n_hidden=16, n_out=2, seed=0)
    >>> trainer = ax.Trainer(rnn, "rtrl", ax.SGD(1e-2))
    >>> history = trainer.run(stream.X, stream.Y)
    >>> history.loss.shape
    (1000,)
    """

    def __init__(
        self,
        rnn: Cell,
        rule: Any,
        optimiser: Optimiser,
        *,
        seed: int = 0,
        update_every: int = 1,
        streams: int = 1,
        threads: int = 1,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(rnn, Cell):
            raise ValueError(f"rnn: expected a network, got {_check.describe(rnn)}")
        if not isinstance(optimiser, Optimiser):
            raise ValueError(
                f"optimiser: expected one such as axonomy.SGD(1e-3), got {_check.describe(optimiser)}"
            )
        self.rnn = rnn
        self.rule: Rule = as_rule(rule)
        self.optimiser = optimiser
        self.seed = _check.seed("seed", seed)
        self.update_every = _check.integer("update_every", update_every, 1)
        self.streams = _check.integer("streams", streams, 1)
        self.threads = _check.integer("threads", threads, 1, 1024)
        if self.streams > 1:
            self.threads = min(self.threads, self.streams)
        self.history = History(self._no_losses())
        learners: list[Any] = [core_learner(self.rule, rnn.shape, rnn.dtype) for _ in range(self.streams)]
        self._learner = learners[0]
        make: Any = _core.Trainer32 if rnn.dtype == np.float32 else _core.Trainer64
        spec = optimiser._spec()
        self._core = make(
            rnn._cell, learners, spec, self.update_every, self.seed, self.threads, delay_from=_DELAY_FROM
        )
        for name in self._learner.diagnostics():
            if name in MONITORS:
                raise ValueError(
                    f"rule: expected diagnostics by other names than {name!r}, which every run has"
                )
        if initial is not None:
            state = self._learner.state()
            start = {**state, **core_initial(state, initial, rnn.dtype)}
            for learner in learners:
                learner.load_state(start)

    def run(
        self,
        X: object,
        Y: object,
        mask: object = None,
        reset: object = None,
        *,
        callback: Callback | None = None,
        callback_every: int | None = None,
        monitors: Sequence[str] = (),
        monitor_every: int = 100,
    ) -> History:
        """Learn from a sequence, step by step, in one call of the core without the GIL.

        With several streams every array has one more axis, after that of the steps: X (T, B, n_in), Y (T, B,
        n_out) or (T, B), mask and reset (T, B), and the losses (T, B).

        Parameters
        ----------
        X : array_like, shape (T, n_in)
            Inputs.
        Y : array_like, shape (T, n_out), or (T,) of class indices for the loss ``"cross_entropy"``
            Targets.
        mask : array_like of bool, shape (T,), optional
            Where False there is no target: no loss, and no gradient but that of rules that look ahead;
            state and learner go on. For such rules a step without a target counts as an update too.
        reset : array_like of bool, shape (T,), optional
            Where True state and learner start anew before the step.
        callback : callable, optional
            ``callback(done, loss)`` with the steps done in this call and the mean loss since the
            last time. What it raises ends the run between two steps. It may change the network and save the
            trainer, but not run, reset or load it.
        callback_every : int, optional
            Steps between calls; by default about ten calls a second, and one at the end.
        monitors : sequence of str
            What to record, of :attr:`monitor_names`.
        monitor_every : int
            Steps between records.

        Returns
        -------
        History

        Raises
        ------
        ValueError
            If an argument has the wrong shape, is not finite, or names nothing known.
        Diverged
            If a step would leave anything non-finite: it is not taken. ``error.history`` has what
            was before it.
        KeyboardInterrupt
            At Ctrl-C. The trainer is left between two steps, and :attr:`history` has what was done.
        RuntimeError
            If the network is in the midst of a run.
        """
        data = sequence(self.rnn, X, Y, mask, reset, self.streams)
        if isinstance(monitors, str) or not isinstance(monitors, Sequence):
            raise ValueError(f"monitors: expected a sequence of names, got {_check.describe(monitors)}")
        names = [_check.one_of("monitors", name, self.monitor_names) for name in monitors]
        monitor_every = _check.integer("monitor_every", monitor_every, 1)
        every = 0 if callback_every is None else _check.integer("callback_every", callback_every, 1)
        if callback is not None and not callable(callback):
            raise ValueError(f"callback: expected a callable, got {_check.describe(callback)}")
        loss = np.full((len(data), *self._no_losses().shape[1:]), np.nan, self.rnn.dtype)
        caller = None if callback is None else _Caller(callback, every, loss)
        first = self.step_count
        outcome = self._core.run(
            data.X, data.Y, data.mask, data.reset, loss, names, monitor_every, every, caller
        )
        done = outcome["done"]
        steps = np.array(outcome["monitor_steps"], np.int64)
        kept = steps <= first + done  # a step that was taken back may have been recorded
        self.history = History(
            loss[:done],
            steps[kept],
            {name: np.array(values)[kept] for name, values in outcome["monitors"].items()},
        )
        if outcome["error"] is not None:
            raise outcome["error"]
        if outcome["diverged"]:
            step = first + done
            raise Diverged(
                f"step {step}: the state, the loss or the weights would not be finite; stopped before it",
                step,
                self.history,
            )
        if caller is not None and every == 0:
            caller.finish(done)
        return self.history

    def learn_one(self, x: object, y: object = None) -> float:
        """Learn from one sample, or from one of each stream.

        Parameters
        ----------
        x : array_like, shape (n_in,), or (B, n_in) with several streams
        y : array_like, shape (n_out,) or (B, n_out), or class indices; optional
            Without a target state and learner go on, and nothing is learned, but by rules that look ahead.

        Returns
        -------
        float
            The loss, the mean over the streams; NaN without a target.

        Raises
        ------
        ValueError
            If an argument has the wrong shape or is not finite.
        Diverged
            If its state or loss would not be finite: the step is not taken. Weights that it makes so show at
            the next step; :meth:`run` looks at them too.
        """
        loss: float | None = self._core.learn_plain(x, y)
        if loss is not None:
            return loss
        samples = inputs(self.rnn, x, self.streams)
        targets = None if y is None else target(self.rnn, y, self.streams)
        losses: FloatArray | None = self._core.learn_one(samples, targets)
        if losses is None:
            raise self._diverged("the state or the loss would not be finite")
        return float(losses.item() if self.streams == 1 else losses.mean(dtype=np.float64))

    def predict_one(self, x: object) -> FloatArray:
        """Advance the state by one input without learning, and return the read-out z, shape (n_out,).

        With several streams x is (B, n_in) and z (B, n_out).

        The rule does not see it. One that runs the network a second time under noise (KeRNL, node
        perturbation) takes the difference for the noise's doing until the next reset.

        Raises
        ------
        ValueError
            If `x` has the wrong shape or is not finite.
        Diverged
            If the state would not be finite: it stays as it was.
        """
        samples = inputs(self.rnn, x, self.streams)
        try:
            output: FloatArray = self._core.predict_one(samples)
        except ValueError:  # all that can be wrong with a checked input
            raise self._diverged("the state would not be finite") from None
        return output[0] if self.streams == 1 else output

    def _diverged(self, what: str) -> Diverged:
        step = self.step_count
        return Diverged(f"step {step}: {what}", step, History(self._no_losses()))

    def _no_losses(self) -> FloatArray:
        return np.zeros((0, *(() if self.streams == 1 else (self.streams,))), self.rnn.dtype)

    @property
    def states(self) -> FloatArray:
        """The states of all streams, shape (B, S); a copy."""
        states: FloatArray = self._core.states
        return states

    @states.setter
    def states(self, value: object) -> None:
        shape = (self.streams, self.rnn.shape.S)
        self._core.states = _check.real_array("states", value, shape, self.rnn.dtype, "B, S")

    def reset(self) -> None:
        """Set the state to zero and let the learner forget the past; the weights stay."""
        self._core.reset()

    @property
    def step_count(self) -> int:
        """Steps taken since the trainer was made, over saving and loading."""
        return int(self._core.step_count)

    @property
    def monitor_names(self) -> tuple[str, ...]:
        """What :meth:`run` can record: of every run, and the rule's own."""
        return (*MONITORS, *self._learner.diagnostics())

    def diagnostics(self) -> dict[str, float]:
        """Return the rule's own quantities of the last step, by name; of several streams, their means."""
        return dict(self._core.diagnostics())

    def state(self) -> dict[str, Any]:
        """Return copies of all that a run changes, by name: weights, learner, optimiser, generator."""
        return dict(self._core.state())

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned.

        Raises
        ------
        ValueError
            If an entry is missing or has the wrong shape, a weight or the state is not finite, or a weight
            not zero where the network has none, or it is of more streams; nothing is changed then.
        """
        given = _check.mapping("state", state, "a dict of arrays")
        if any(str(name).startswith(f"stream_{self.streams}.") for name in given):
            raise ValueError(f"state: expected that of {self.streams} streams, got that of more")
        cell = {name: _check.array(name, given.get(name)) for name in ("cell.W", "cell.W_out", "cell.state")}
        for name, array in cell.items():
            if array.dtype.kind == "f":  # of what is no array of numbers, or misses, the core says so
                _check.real_array(name, array, array.shape, self.rnn.dtype)
        if cell["cell.W"].shape == self.rnn.W.shape:
            self.rnn._check_existing("cell.W", cell["cell.W"])
        self._core.load_state(given)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to an npz file; :meth:`load` goes on as if never stopped.

        The file is written beside and renamed, so that it is whole or as it was.
        """
        shape = self.rnn.shape
        config = {
            "format": 1,
            "cell": self.rnn.kind,
            "settings": self.rnn.settings(),
            "dtype": str(self.rnn.dtype),
            "shape": [shape.n, shape.n_in, shape.n_out],
            "rule": self.rule.to_dict(),
            "optimiser": self.optimiser.to_dict(),
            "seed": self.seed,
            "update_every": self.update_every,
            "streams": self.streams,
            "threads": self.threads,
        }
        arrays = self.state()
        if self.rnn.feedback is not None:
            arrays["feedback"] = self.rnn.feedback
        if self.rnn.mask is not None:
            arrays["mask"] = self.rnn.mask
        with whole(path) as file:
            np.savez(file, config=np.array(json.dumps(config)), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the trainer that :meth:`save` wrote, with a network of its own.

        Raises
        ------
        ValueError
            If the file is not one that :meth:`save` wrote.
        """
        try:
            with Path(path).open("rb") as bytes_, np.load(bytes_, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            config = json.loads(str(arrays.pop("config")))
            kind = CELLS[config["cell"]]
            dtype = np.dtype(config["dtype"])
            n, n_in, n_out = config["shape"]
            shape = kind._shape(n, n_in, n_out, arrays.pop("mask", None))
            rnn = kind._blank(shape, dtype, config["settings"])
            rnn.feedback = arrays.pop("feedback", None)
            trainer = cls(
                rnn,
                Rule.from_dict(config["rule"]),
                optimiser_from_dict(config["optimiser"]),
                seed=config["seed"],
                update_every=config["update_every"],
                streams=config.get("streams", 1),
                threads=config.get("threads", 1),
            )
            trainer.load_state(arrays)
        except OSError:
            raise
        except Exception as error:
            raise ValueError(f"path: expected a file written by Trainer.save, got {path}: {error}") from None
        return trainer

    # Pickled with all that it has, the network being the one that is pickled beside it, if any.

    def __reduce__(self) -> tuple[Any, tuple[Any, ...], Any]:
        settings = {name: getattr(self, name) for name in ("seed", "update_every", "streams", "threads")}
        make = functools.partial(type(self), **settings)
        return make, (self.rnn, self.rule, self.optimiser), (self.state(), self.history)

    def __setstate__(self, state: tuple[dict[str, Any], History]) -> None:
        arrays, self.history = state
        self._core.load_state(arrays)

    def __copy__(self) -> Self:
        return copy.deepcopy(self)  # two trainers of one network would undo each other's work

    def __repr__(self) -> str:
        return f"Trainer({self.rnn!r}, {self.rule.name!r}, {self.optimiser!r}, steps={self.step_count})"


class _Caller:
    """Passes progress on at the wanted pace, with the mean loss since the last time."""

    def __init__(self, callback: Callback, every: int, loss: FloatArray) -> None:
        self.callback = callback
        self.every = every
        self.loss = loss
        self.last = 0
        self.time = time.monotonic()

    def __call__(self, done: int) -> None:
        if self.every:
            if done % self.every or done == self.last:
                return
        elif time.monotonic() - self.time < _CALLBACK_SECONDS:
            return
        self._call(done)

    def finish(self, done: int) -> None:
        """Report what has not been reported yet."""
        if done > self.last:
            self._call(done)

    def _call(self, done: int) -> None:
        since = self.loss[self.last : done]
        there = since[np.isfinite(since)]
        mean = float(there.mean(dtype=np.float64)) if there.size else float("nan")
        self.last, self.time = done, time.monotonic()
        self.callback(done, mean)
