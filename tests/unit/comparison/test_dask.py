"""A comparison on a Dask cluster, through joblib's backend; docs/compare.md quotes it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import joblib
import pytest

from ramify.comparison import Comparison, Progress, compare
from ramify.comparison._schedule import Teller
from ramify.training import Training

from ._small import small_table, substance

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
Client = Any  # of an optional package


def compared_on_dask(
    client: Client, table: Path, output: Path, *, resume: bool = False, tell: Teller | None = None
) -> Comparison:
    with client.as_current(), joblib.parallel_config(backend="dask"):
        return compare(
            table,
            "g*",
            sharing={},
            seeds=1,
            search=1,
            training=Training(epochs=1),
            trees=8,
            processes=None,
            output=output,
            resume=resume,
            tell=tell,
        )


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with ExitStack() as stack:
        # No dashboard: its port may be taken, of which Dask warns.
        cluster = distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None)
        stack.enter_context(cluster)
        yield stack.enter_context(distributed.Client(cluster))


def wait_for_what_was_left(client: Client) -> None:
    """Dask lets a run that was given up come to its end."""
    while any(client.run(lambda dask_worker: dask_worker.state.executing_count).values()):
        time.sleep(0.05)


def test_a_cluster_gives_the_result_of_one_process_and_goes_on_when_stopped(
    client: Client, tmp_path: Path
) -> None:
    table, output = tmp_path / "table.csv", tmp_path / "out"
    small_table(rows=80).write_csv(table)
    seen: list[Progress] = []

    def interrupt(ended: Progress) -> None:
        seen.append(ended)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compared_on_dask(client, table, output, tell=interrupt)
    wait_for_what_was_left(client)
    found = compared_on_dask(client, table, output, resume=True, tell=seen.append)
    assert sum(each.reused for each in seen[2:]) >= 2
    assert any(not each.reused for each in seen[2:])
    assert found.record.failures == []
    alone = compare(
        *(table, "g*"), sharing={}, seeds=1, search=1, training=Training(epochs=1), trees=8
    )
    assert substance(found.record) == substance(alone.record)
    sent = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    assert not [name for name in sent if "tree" in name], "a forest belongs to one run"
