"""A comparison on a Dask cluster, through joblib's backend."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

from ramify.comparison import Progress
from ramify.records import ComparisonRecord

from ._small import compared, small_table, substance

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
Client = Any  # an optional package


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    # No dashboard: its port may be taken, of which Dask warns.
    cluster = distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as found:
        yield found


def small(
    output: Path | None = None,
    *,
    processes: int | None = 1,
    resume: bool = False,
    tell: Callable[[Progress], None] | None = None,
) -> ComparisonRecord:
    return compared(
        small_table(rows=80),
        sharing={},
        seeds=1,
        search=1,
        epochs=1,
        processes=processes,
        output=output,
        resume=resume,
        tell=tell,
    ).record


def wait_for_what_was_left(client: Client) -> None:
    """Dask lets a run that was given up come to its end."""
    while any(client.run(lambda dask_worker: dask_worker.state.executing_count).values()):
        time.sleep(0.05)


def test_a_cluster_gives_the_result_of_one_process_and_goes_on_when_stopped(
    client: Client, tmp_path: Path
) -> None:
    seen: list[Progress] = []

    def interrupt(ended: Progress) -> None:
        seen.append(ended)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with joblib.parallel_config(backend="dask"):
        with pytest.raises(KeyboardInterrupt):
            small(tmp_path, processes=None, tell=interrupt)
        wait_for_what_was_left(client)
        found = small(tmp_path, processes=None, resume=True, tell=seen.append)
    assert sum(each.reused for each in seen[2:]) >= 2
    assert any(not each.reused for each in seen[2:])
    assert found.failures == []
    assert substance(found) == substance(small())
    sent = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    assert not [name for name in sent if "tree" in name], "a forest belongs to one run"
