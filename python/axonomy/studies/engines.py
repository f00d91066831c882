"""Where the runs of a study are done: on the cores of this machine, or on a Dask cluster.

An engine takes a function and items and yields each item with its result as it is done, in any order. The
results come back to the one process that asked for them, which alone writes: workers share no folder.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from axonomy import _check
from axonomy._build import made_by
from axonomy._extras import require
from axonomy.studies.store import GOES_ON

Item = TypeVar("Item")
Result = TypeVar("Result")

_WATCH_SECONDS = 0.5


class Engine(ABC):
    """Something that does many things at a time."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many things are done at a time."""

    @abstractmethod
    def map(
        self, function: Callable[[Item], Result], items: Sequence[tuple[str, Item]]
    ) -> Generator[tuple[str, Result], None, None]:
        """Yield the key of each item and the function's result of it, as they are done.

        What the function raises is raised, and what is not done by then is given up.
        """

    @contextmanager
    def ready(self) -> Iterator[None]:
        """What surrounds all calls of :meth:`map`."""
        yield


class JoblibEngine(Engine):
    """The cores of this machine, by processes of joblib.

    Parameters
    ----------
    jobs : int, optional
        Runs at a time; by default one a core.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self._joblib = require("joblib", "study")
        self._jobs = self._joblib.cpu_count() if jobs is None else _check.integer("jobs", jobs, 1)

    @property
    def workers(self) -> int:
        """How many runs are done at a time."""
        return int(self._jobs)

    def map(
        self, function: Callable[[Item], Result], items: Sequence[tuple[str, Item]]
    ) -> Generator[tuple[str, Result], None, None]:
        """Yield what is done as it is done."""
        # One at a time: results of a batch would come together, and be lost together.
        parallel = self._joblib.Parallel(self._jobs, return_as="generator_unordered", batch_size=1)
        task = self._joblib.delayed(_following)
        with _deaf_to_interrupts():  # which is when the processes are started
            results = parallel(task(os.getpid(), function, key, item) for key, item in items)
        try:
            yield from results
        except self._terminated() as error:
            raise ChildProcessError(
                f"a worker process was killed, perhaps for lack of memory (--jobs lowers it); {GOES_ON}"
            ) from error
        finally:
            with warnings.catch_warnings():
                # That what was not done is given up is just what is wanted.
                warnings.filterwarnings("ignore", ".*cancelled.*", UserWarning)
                results.close()

    @staticmethod
    def _terminated() -> type[Exception]:
        executor = require("joblib.externals.loky.process_executor", "study")
        error: type[Exception] = executor.TerminatedWorkerError
        return error


class DaskEngine(Engine):
    """A Dask cluster.

    Parameters
    ----------
    address : str, optional
        Of its scheduler, such as ``"tcp://10.0.0.1:8786"``; by default a cluster of this machine is started.
    jobs : int, optional
        Workers of the cluster that is started; by default one a core.
    timeout : float
        Seconds to wait for the scheduler and its first worker.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None, timeout: float = 30.0) -> None:
        self._distributed = require("distributed", "dask")
        if address is not None and jobs is not None:
            raise ValueError(
                "--jobs: the workers of a cluster at --address say how many; give one of the two"
            )
        self._address, self._timeout = address, timeout
        self._jobs = (os.cpu_count() or 1) if jobs is None else _check.integer("jobs", jobs, 1)
        self._client: Any = None

    @property
    def workers(self) -> int:
        """How many runs are done at a time; of a cluster, as many as its workers have threads just now."""
        if self._client is None:
            return int(self._jobs)
        return sum(self._client.nthreads().values()) or 1

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Connect to the cluster, or start one and stop it at the end.

        Raises
        ------
        ConnectionError
            If no scheduler answers at the address, or it has no workers.
        ValueError
            If a worker has axonomy of another version or with other sources of its core, or none.
        """
        with self._cluster() as where, self._connected(where) as client:
            self._client = client
            try:
                self._meet(client)
                yield
            finally:
                self._client = None

    def map(
        self, function: Callable[[Item], Result], items: Sequence[tuple[str, Item]]
    ) -> Generator[tuple[str, Result], None, None]:
        """Yield what is done as it is done; the runs of a worker that is lost are done by another."""
        client = self._client
        futures = [
            # A run whose worker is lost goes to another by itself, under the same key.
            client.submit(_keyed, function, key, item, key=f"axonomy-{key}", pure=False)
            for key, item in items
        ]
        finished = self._distributed.as_completed(futures, loop=client.loop)
        # as_completed lists the rest as well: none of it should keep results that were already handed over.
        del futures[:]
        try:
            for future in finished:
                yield self._result(future)
                future.release()
        finally:
            with suppress(OSError, self._distributed.CancelledError):  # there may be none to be told
                client.cancel([f for f in finished.futures if not f.done()])

    def _result(self, future: Any) -> Any:
        killed = self._distributed.KilledWorker
        # The one if results are waited for, the other if they are just being handed over.
        lost = (self._distributed.CancelledError, self._distributed.comm.CommClosedError)
        try:
            return future.result()
        except killed as error:
            raise ChildProcessError(f"a run took several workers down with it: {error}; {GOES_ON}") from error
        except lost as error:
            raise ConnectionError(f"the Dask scheduler was lost; {GOES_ON}") from error

    @contextmanager
    def _cluster(self) -> Iterator[Any]:
        if self._address is not None:
            yield self._address
            return
        with _deaf_to_interrupts():
            cluster = self._distributed.LocalCluster(
                n_workers=self._jobs,
                threads_per_worker=1,
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": ":0"},  # its server, of any free port
                silence_logs=50,
            )
        with cluster:
            yield cluster

    @contextmanager
    def _connected(self, where: Any) -> Iterator[Any]:
        try:
            client = _client(self._distributed)(where, timeout=self._timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"no Dask scheduler answers at {self._address} ({error}); "
                "start one with dask scheduler, or leave --address out"
            ) from error
        with client:
            yield client

    def _meet(self, client: Any) -> None:
        try:
            client.wait_for_workers(1, timeout=self._timeout)
        except TimeoutError:
            raise ConnectionError(
                f"the Dask scheduler at {self._address} has no workers; start some with dask worker"
            ) from None
        try:
            versions = client.run(made_by)
        except ModuleNotFoundError as error:
            raise ValueError(f"the Dask workers have no axonomy: {error}; install it there too") from error
        others = sorted(set(versions.values()) - {made_by()})
        if others:
            raise ValueError(
                f"the Dask workers have axonomy {', '.join(others)}, and here it is {made_by()}: "
                "their results would not be comparable"
            )


def _client(distributed: Any) -> Any:
    class Client(distributed.Client):  # type: ignore[misc]
        """A client that is closed at once if it does not start.

        Else the garbage collector closes it, wherever it happens to run, and closing takes the lock of all
        of Dask's loops: in a thread that has it, or that one with it waits for, nothing would go on.
        """

        def start(self, **settings: Any) -> None:
            try:
                super().start(**settings)
            except BaseException:
                self.close()
                raise

    return Client


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started here do not hear of Ctrl-C, which is for this one to deal with."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keyed(function: Callable[[Item], Result], key: str, item: Item) -> tuple[str, Result]:
    return key, function(item)


def _following(parent: int, function: Callable[[Item], Result], key: str, item: Item) -> tuple[str, Result]:
    """In a worker process, which is not to work on when the one that it works for has been killed."""
    if os.getpid() != parent:
        _follow(parent)
    return _keyed(function, key, item)


@functools.cache
def _follow(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # also in one that replaces another
    threading.Thread(target=watch, daemon=True).start()
