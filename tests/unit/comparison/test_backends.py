"""A comparison runs on any backend of processes that joblib is set to, as Dask's and Ray's are."""

import multiprocessing
import os
import select
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import joblib
import pytest
from joblib.parallel import ParallelBackendBase

from ramify.comparison import _work
from ramify.sharing import FullyAdaptive

from ._small import compared, small_table, substance


class Cluster(ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """Sends pickled work away and takes futures back, which is all that a cluster's backend does."""

    supports_retrieve_callback = True
    supports_return_generator = True
    n_sent = 0

    def effective_n_jobs(self, n_jobs: int) -> int:
        return 2

    def configure(self, n_jobs: int = 1, parallel: object = None, **_options: object) -> int:
        self.parallel = parallel
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(2, mp_context=context)
        return 2

    def submit(self, func: Callable[[], object], callback: Callable[[Any], None]) -> Future[Any]:
        Cluster.n_sent += 1
        future = self._pool.submit(joblib.wrap_non_picklable_objects(func))
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, future: Future[Any]) -> object:
        return future.result()

    def terminate(self) -> None:
        self._pool.shutdown()


class ClusterWithoutStream(Cluster):
    """Gives all results at the end, as Ray's does."""

    supports_return_generator = False


joblib.register_parallel_backend("cluster", Cluster)
joblib.register_parallel_backend("cluster without stream", ClusterWithoutStream)


@pytest.mark.parametrize("backend", ["cluster", "cluster without stream"])
def test_another_backend_of_processes_gives_the_result_of_one(backend: str) -> None:
    ways = {"adaptive": lambda seed: FullyAdaptive(growing_epochs=1, n_candidates=2, seed=seed)}
    one = compared(small_table(), sharing=ways, seeds=1).record
    before = Cluster.n_sent
    with joblib.parallel_config(backend=backend, n_jobs=2):
        other = compared(small_table(), sharing=ways, seeds=1, processes=None).record
    assert Cluster.n_sent == before + 5
    assert other.failures == []
    assert substance(one) == substance(other)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_worker_ends_with_the_process_that_it_works_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_work, "_SECONDS_BETWEEN_LOOKS", 0.01)
    read, write = os.pipe()
    owner = os.fork()
    if owner == 0:  # the process that will be killed, and its worker
        if os.fork() == 0:
            _work._end_with(os.getppid())
            os.write(write, b"working")
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
        os._exit(0)
    os.close(write)
    assert os.read(read, 7) == b"working"
    assert not select.select([read], [], [], 0.1)[0]
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    assert select.select([read], [], [], 20)[0]  # it is closed by the end of the last who had it
    assert os.read(read, 1) == b""
    os.close(read)
