"""What every way of sharing keeps to where each row has a label of one task, or of none."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from tests.toy import backbone, tensors
from torch import nn
from torch.testing import assert_close

from ramify.data import TableBatches
from ramify.losses import TaskLosses
from ramify.networks import RowRouter
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, Task, TaskSet
from ramify.training import Fitted, Trainer, Training
from ramify.weighting import WEIGHTINGS, weighting_named

from ._cases import SHARINGS
from ._resuming import assert_same, fitted_in_parts

NAMES = [name for name in WEIGHTINGS if name != "fixed"]
KINDS = (Binary(), Regression(5.0, 2.0), Multiclass(("x", "y", "z")), Binary(rate=0.2))
SCHOOLS = TaskSet(
    [
        *(Task(name, kind) for name, kind in zip("abcd", KINDS, strict=True)),
        Task("e", Ordinal(("low", "mid", "high"))),
        Task("f", Ranking()),
        Task("g", Regression()),
        Task("h", Binary(), weight=50.0),
    ]
)
BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
OWN = ("single-task", "tree, grown", "selective, split", "soft", "factorised")


every_one = pytest.mark.parametrize("name", OWN)
QUICK = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)


def rows(seed: int = 0) -> TableBatches:
    """Each row has a label of one task, every fifth of none; the third batch has no label at all.

    The fourth has labels of two tasks only, and the last is a single row.
    """
    x, y, _ = tensors(SCHOOLS, 97, seed=seed)
    y[:, 4] = (y[:, 4] > 4).float() + (y[:, 4] > 6).float()  # levels
    task = torch.randint(len(SCHOOLS), (97,), generator=torch.Generator().manual_seed(seed))
    task[48:64] %= 2
    mask = nn.functional.one_hot(task, len(SCHOOLS)).bool()
    mask[::5] = False
    mask[32:48] = False
    mask[96, 0] = True
    x, y = x.to(torch.get_default_dtype()), y.to(torch.get_default_dtype())
    return TableBatches(x, y * mask, mask, 16, 1, shuffle=False)


def trained(
    name: str,
    settings: Training = QUICK,
    *,
    dropout: float = 0.2,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    checkpoint: Path | None = None,
) -> Fitted:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    trainer = Trainer(settings, fabric=fabric, checkpoint=checkpoint, checkpoint_seconds=0)
    return trainer.fit(BUILDERS[name](SCHOOLS), backbone(dropout), SCHOOLS, rows(), rows(9))


def assert_sound(fitted: Fitted) -> None:
    assert all(tensor.isfinite().all() for tensor in fitted.network.state_dict().values())
    assert all(isfinite(point.loss) for point in fitted.curve)


@pytest.fixture
def double_precision() -> Iterator[None]:
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


@every_one
@pytest.mark.usefixtures("double_precision")
def test_branches_that_run_their_own_rows_learn_what_they_learn_from_all(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patch.object(RowRouter, "rows", autospec=True, side_effect=RowRouter.rows) as asked:
        ours = trained(name, dropout=0.0)
    assert asked.call_count
    monkeypatch.setattr(RowRouter, "rows", lambda *_: None)
    theirs = trained(name, dropout=0.0)
    assert ours.tree == theirs.tree
    assert_close(ours.network.state_dict(), theirs.network.state_dict(), rtol=1e-6, atol=1e-8)
    assert_close([e.loss for e in ours.curve], [e.loss for e in theirs.curve])


def test_a_tree_is_not_grown_from_no_evidence_and_that_is_said() -> None:
    fitted = trained("adaptive")
    assert fitted.tree.widths == (1, 1)
    assert [c.tree for c in fitted.candidates] in ([], [fitted.tree])
    (said,) = fitted.sharing.warnings()
    assert "27 of 28 pairs" in said  # the last row of all has labels of two tasks


@every_one
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every four steps until it is through; an epoch has 7."""
    whole = trained(name)
    parts = fitted_in_parts(lambda: trained(name, checkpoint=tmp_path), 4, monkeypatch)
    assert_same(whole, parts)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_way_of_sharing_trains_in_mixed_precision(name: str) -> None:
    assert_sound(trained(name, replace(QUICK, epochs=1, balance=True), precision="bf16-mixed"))


@pytest.mark.parametrize("weighting", NAMES)
def test_fifty_steps_of_any_weighting_stay_finite(weighting: str) -> None:
    settings = replace(QUICK, epochs=8, weighting=weighting_named(weighting), exact_gradients=True)
    assert_sound(trained("tree", settings))


@every_one
def test_new_rows_are_told_about_all_tasks(name: str) -> None:
    network = trained(name, replace(QUICK, epochs=1)).network
    new = rows(9)
    found = Trainer().predict(network, new).values
    again = Trainer().predict(network, new, only_labelled=True)
    with torch.no_grad():
        outputs = network(torch.cat([batch.inputs for batch in new]))
    expected = TaskLosses(SCHOOLS).predictions(outputs).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    at = again.label_mask[:, np.array(SCHOOLS.task_of_column)]
    np.testing.assert_allclose(again.values[at], found[at], rtol=1e-4, atol=1e-5)
