"""Two processes on one machine give what one process gives."""

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch.testing import assert_close

from ramify.affinity import ErrorMarginAffinity
from ramify.networks import RowRouter
from ramify.tasks import SharingTree

from ._launch import in_two_processes
from ._work import (
    N_TASKS,
    SCHOOLS,
    affinity_batches,
    by_itself,
    coupled,
    ordered,
    own_rows,
    own_rows_loader,
    trained,
    ways,
    weighted,
    words,
)

pytestmark = pytest.mark.distributed


def test_counts_of_two_ranks_are_those_of_one_process_exactly(tmp_path: Path) -> None:
    whole = ErrorMarginAffinity(N_TASKS)
    for margins, mask in affinity_batches():
        whole.update(margins, mask)
    for found in in_two_processes("count", tmp_path):
        for name, tensor in whole.state_dict().items():
            assert torch.equal(found[name], tensor)


# With few labels whole ranks have none of a task, or none at all, in a step.
@pytest.mark.parametrize(
    ("work", "labelled"),
    [
        ("two_machines", 1.0),
        ("two_machines_partly_labelled", 0.3),
        ("two_machines_hardly_labelled", 0.03),
    ],
)
def test_training_on_halves_of_each_batch_is_training_on_the_batch(
    tmp_path: Path, work: str, labelled: float
) -> None:
    first, second = in_two_processes(work, tmp_path)
    for name in ways():
        network = trained(name, Fabric(accelerator="cpu", devices=1), None, labelled=labelled)
        for stages, state in (first[name], second[name]):
            assert stages == network.tree.stages
            assert_close(state, dict(network.state_dict()), rtol=1e-3, atol=1e-5)


def test_a_length_that_follows_from_the_data_is_that_of_one_process(tmp_path: Path) -> None:
    whole = by_itself(Fabric(accelerator="cpu", devices=1), None)
    first, second = in_two_processes("two_machines_by_itself", tmp_path)
    for found in (first, second):
        assert_close(found["by itself"], whole, rtol=1e-3, atol=1e-4)


def test_weightings_see_the_whole_batch(tmp_path: Path) -> None:
    """The mean of the ranks' own Gram matrices would give other weights."""
    whole = weighted(Fabric(accelerator="cpu", devices=1), None)
    for found in in_two_processes("two_machines_weighted", tmp_path):
        for state, expected in zip(found["weighted"], whole, strict=True):
            assert_close(state, expected, rtol=1e-3, atol=1e-5)


def test_rows_are_put_in_order_as_in_one_process_if_no_group_is_divided(tmp_path: Path) -> None:
    whole = ordered(Fabric(accelerator="cpu", devices=1), None)
    for found in in_two_processes("two_machines_ordered", tmp_path):
        for state, expected in zip(found["ordered"], whole, strict=True):
            assert_close(state, expected, rtol=1e-6, atol=1e-8)


def test_ways_that_couple_weights_or_mix_features_see_the_whole_batch(tmp_path: Path) -> None:
    whole = coupled(Fabric(accelerator="cpu", devices=1), None)
    first, second = in_two_processes("two_machines_coupled", tmp_path)
    for found in (first, second):
        assert_close(found["coupled"], whole, rtol=1e-3, atol=1e-5)


def test_branches_run_their_own_rows_on_each_machine(tmp_path: Path) -> None:
    """Each finds its own; one of them has no label in a batch, or none of a task."""
    router = RowRouter(SharingTree.separate(SCHOOLS.names, 2))
    for rank in (None, 0, 1):
        assert all(router.rows(mask) is not None for _, _, mask in own_rows_loader(rank))
    whole = own_rows(Fabric(accelerator="cpu", devices=1), None)
    for found in in_two_processes("two_machines_own_rows", tmp_path):
        assert_close(found["own rows"], whole, rtol=1e-6, atol=1e-8)


def test_tasks_of_words_and_auxiliary_tasks_learn_what_they_learn_in_one_process(
    tmp_path: Path,
) -> None:
    whole = words(Fabric(accelerator="cpu", devices=1), None)
    for found in in_two_processes("two_machines_words", tmp_path):
        for name, (stages, state) in whole.items():
            assert found["words"][name][0] == stages
            assert_close(found["words"][name][1], state, rtol=1e-6, atol=1e-8)


def test_ranks_with_unequal_numbers_of_batches_end_with_an_error_on_both(tmp_path: Path) -> None:
    """Within a minute, by far: nobody waits for who has ended."""
    for rank, found in enumerate(in_two_processes("two_machines_uneven", tmp_path, seconds=60.0)):
        start = "all ranks must have equally many batches in every epoch. "
        assert found["lengths"] == f"{start}Got {6 - rank} here, and 5.5 on average"
        assert found["promises"].startswith(f"{start}One had none left while 1 of 2 had")
        assert found["even"] == "trained"
