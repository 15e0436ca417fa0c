"""The rule of one standard error, and the order of rows after a change of the tree."""

import numpy as np
import pytest
from tests.toy import BINARY, backbone, held_out, tensors

from ramify.data import TableBatches
from ramify.sharing import FullyAdaptive
from ramify.tasks import Regression, Task, TaskSet
from ramify.training import Predictions, Trainer, Training
from ramify.training._best import choose_network

TASKS = TaskSet([Task("y", Regression())])
SMALL, LARGE = 0, 1


def candidates(errors: float, copies: int = 1, *, grouped: bool = False) -> list[Predictions]:
    """A small network and a better one; how many standard errors lie between their R²."""
    n = 100
    spread = np.random.default_rng(0).standard_normal(n)
    spread = (spread - spread.mean()) / spread.std(ddof=1)
    worse = np.repeat(spread + errors / n**0.5, copies)  # of its squared errors
    groups = np.repeat(np.arange(n), copies) if grouped else None
    zeros, mask = np.zeros((n * copies, 1)), np.ones((n * copies, 1), dtype=np.bool_)
    return [
        Predictions(np.sqrt(5 + more)[:, None], zeros, mask, groups) for more in (worse, 0 * worse)
    ]


@pytest.mark.parametrize(
    ("errors", "chosen"), [(0.8, SMALL), (0.99, SMALL), (1.01, LARGE), (1.5, LARGE)]
)
def test_the_small_network_is_kept_within_one_standard_error(errors: float, chosen: int) -> None:
    assert choose_network(candidates(errors), [1, 2], [0.0, 0.0], TASKS) == chosen


def test_copies_of_rows_in_groups_count_once() -> None:
    alone, grouped = (candidates(0.8, 4, grouped=each) for each in (False, True))
    assert choose_network(alone, [1, 2], [0.0, 0.0], TASKS) == LARGE
    assert choose_network(grouped, [1, 2], [0.0, 0.0], TASKS) == SMALL


def test_rows_come_in_another_order_after_the_tree_has_changed() -> None:
    asked: list[int] = []

    class Recording(TableBatches):
        def set_epoch(self, epoch: int) -> None:
            asked.append(epoch)
            super().set_epoch(epoch)

    sharing = FullyAdaptive(growing_epochs=2, n_candidates=1, max_parameters=10_000)
    rows = Recording(*tensors(BINARY, 64), 16, 0)
    Trainer(Training(epochs=3)).fit(sharing, backbone(), BINARY, rows, held_out(BINARY))
    assert len(asked) == 5
    assert len(set(asked)) == 5
