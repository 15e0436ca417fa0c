"""A user's own loader and backbone in training: what goes wrong is said, and nothing hangs."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from tests.contracts._resuming import assert_same, fitted_in_parts, stop_after
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, held_out, tensors
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ramify._core import InputError, StoppedError
from ramify.data import TableBatches
from ramify.grouping import Similarity
from ramify.sharing import (
    CGC,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    SelectiveSharing,
    Sharing,
    Step,
    StepHook,
)
from ramify.tasks import Binary, Multiclass, SharingTree, Task, TaskSet
from ramify.training import SGD, EpochEnded, Fitted, Trainer, Training
from ramify.weighting import DBMTL, UPGrad

QUICK = Training(epochs=2, learning_rate=0.01)
Parts = tuple[Tensor, ...]


class Promises:
    """Gives some batches, and promises more."""

    def __init__(self, given: int, promised: int) -> None:
        self.given, self.promised = given, promised
        x, y, mask = tensors(BINARY, 16 * max(1, given))
        self._parts = [
            (x[i : i + 16], y[i : i + 16], mask[i : i + 16]) for i in range(0, 16 * given, 16)
        ]

    def __len__(self) -> int:
        return self.promised

    def __iter__(self) -> Iterator[Parts]:
        return iter(self._parts)


def fit(
    loader: Any,  # noqa: ANN401  # whatever a user has
    sharing: Sharing | None = None,
    settings: Training = QUICK,
    **trainer: Any,  # noqa: ANN401
) -> Fitted:
    way = HardSharing() if sharing is None else sharing
    return Trainer(settings, **trainer).fit(way, backbone(0.0), BINARY, loader, held_out(BINARY))


@pytest.mark.parametrize(("given", "promised"), [(9, 10), (5, 10), (1, 10)])
def test_an_epoch_ends_when_the_loader_ends(given: int, promised: int) -> None:
    seen: list[EpochEnded] = []
    fitted = fit(Promises(given, promised), settings=Training(epochs=3), watch=seen.append)
    assert [event.epoch for event in seen] == [1, 2, 3]
    exact = fit(Promises(given, given), settings=Training(epochs=3))
    assert len(exact.curve) == 3
    # The first epoch's mean loss is over the batches that there were.
    assert 0.5 < fitted.curve[0].loss < 1


def test_the_learning_rate_falls_to_the_end_whatever_the_loader_promised() -> None:
    class Rates(StepHook):
        def __init__(self) -> None:
            self.rates: list[float] = []

        def after_step(self, step: Step) -> None:
            self.rates.append(step.learning_rate)

    rates = Rates()
    fit(Promises(5, 6), settings=Training(epochs=4), hooks=[rates])
    assert len(rates.rates) == 20
    assert rates.rates[-1] < 0.1 * max(rates.rates)


@pytest.mark.parametrize(
    "sharing",
    [
        FullyAdaptive(growing_epochs=2, n_candidates=2),
        FixedTree(
            SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d")))),
            growing_epochs_first=2,
        ),
        SelectiveSharing(Similarity(n_groups=2), estimator_width=4, interval=7),
    ],
)
def test_trees_are_proposed_in_time_where_a_loader_is_shorter_than_it_promises(
    sharing: Sharing,
) -> None:
    fitted = fit(Promises(6, 7), sharing)
    assert fitted.candidates or fitted.tree.widths[-1] == 2
    phases = [point.phase for point in fitted.curve]
    assert phases.count("growing") in (0, 2)


@pytest.mark.parametrize("steps", [1, 4, 5])
def test_resumed_equals_uninterrupted_where_a_loader_is_shorter(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(Promises(5, 7))
    parts = fitted_in_parts(
        lambda: fit(Promises(5, 7), checkpoint=tmp_path, checkpoint_seconds=0), steps, monkeypatch
    )
    assert_same(whole, parts)


@pytest.mark.parametrize(
    ("given", "promised", "message"),
    [
        (0, 10, "must give at least one batch in every epoch. Got none, and a length of 10"),
        (3, 2, "must give at most as many batches as its length says, 2. Got more"),
        (0, 0, "must give at least one batch. Got an empty one"),
    ],
)
def test_a_loader_that_gives_none_or_more_is_refused(
    given: int, promised: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fit(Promises(given, promised))


OTHER_BACKBONE = nn.Sequential(nn.Linear(N_INPUTS, 9), nn.ReLU())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": Training(epochs=2, learning_rate=0.02)}, "`learning_rate` differs, 0.01"),
        ({"settings": Training(epochs=3, learning_rate=0.01)}, "`epochs` differs, 2 there and 3"),
        ({"seed": 1}, "`seed` differs, 0 there and 1 here"),
        ({"loader": batches(BINARY, 80)}, "`training rows` differs; name another folder"),
        ({"loader": batches(BINARY, seed=3)}, "`training rows` differs"),
        ({"sharing": FullyAdaptive()}, "`sharing` differs, 'hard' there"),
    ],
)
def test_the_state_of_another_training_is_refused_and_what_differs_is_named(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    fit(batches(BINARY), checkpoint=tmp_path)
    before = (tmp_path / "segment-000.safetensors").read_bytes()
    given = {"loader": batches(BINARY), "checkpoint": tmp_path, **change}
    with pytest.raises(InputError, match=f"`checkpoint` must be the folder of this .*{named}"):
        fit(**given)
    assert (tmp_path / "segment-000.safetensors").read_bytes() == before


def test_another_backbone_and_other_tasks_are_other_trainings(tmp_path: Path) -> None:
    def train(stages: nn.Sequential, tasks: TaskSet) -> None:
        Trainer(QUICK, checkpoint=tmp_path).fit(HardSharing(), stages, tasks, batches(tasks))

    train(backbone(), BINARY)
    for stages, tasks, named in (
        (OTHER_BACKBONE, BINARY, "backbone"),
        (backbone(0.5), BINARY, "backbone"),
        (backbone(), MIXED, "tasks"),
    ):
        with pytest.raises(InputError, match=f"`{named}` differs"):
            train(stages, tasks)


def test_the_same_training_with_a_backbone_drawn_anew_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a program is started again."""
    x, y, mask = tensors(BINARY, 96)
    loader = DataLoader(TensorDataset(x, torch.where(mask, y, float("nan"))), 16)

    def train() -> Fitted:
        stages = nn.Sequential(nn.Linear(N_INPUTS, 8), nn.ReLU())
        trainer = Trainer(QUICK, checkpoint=tmp_path, checkpoint_seconds=0)
        return trainer.fit(HardSharing(), stages, BINARY, loader)

    stop_after(7, monkeypatch)
    with pytest.raises(StoppedError):
        train()
    assert len(train().curve) == 2


def test_a_data_set_in_memory_is_told_from_another(tmp_path: Path) -> None:
    x, y, _ = tensors(BINARY, 96)
    for rows in (x, x + 1e-6):
        loader = DataLoader(TensorDataset(rows, y), 16, shuffle=True)
        if rows is x:
            fit(loader, checkpoint=tmp_path)
        else:
            with pytest.raises(InputError, match="`training rows` differs"):
                fit(loader, checkpoint=tmp_path)


@pytest.mark.parametrize("rate", [1e6, 1e20, 1e38])
@pytest.mark.parametrize("sharing", ["hard", "adaptive"])
def test_a_training_that_diverges_says_so_and_leaves_its_last_good_state(
    rate: float, sharing: str, tmp_path: Path
) -> None:
    """Or its predictions are numbers."""
    way = HardSharing() if sharing == "hard" else FullyAdaptive(growing_epochs=1, n_candidates=2)
    settings = Training(epochs=4, learning_rate=rate, optimiser=SGD(), gradient_clip=1e30)
    try:
        fitted = fit(batches(BINARY), way, settings, checkpoint=tmp_path, checkpoint_seconds=0)
    except InputError as error:
        said = str(error)
        assert "use a smaller learning rate" in said
        assert "\n" not in said
    else:
        assert all(isfinite(point.loss) for point in fitted.curve)
        assert all(p.isfinite().all() for p in fitted.network.parameters())
    for file in tmp_path.glob("*.safetensors"):
        for name, tensor in load_file(file).items():
            assert tensor.isfinite().all(), name


def test_divergence_is_noticed_in_the_step_in_which_it_comes() -> None:
    x, y, mask = tensors(BINARY, 96)
    x[40] = float("inf")  # in the third of six batches
    steps: list[int] = []

    class Counting(TableBatches):
        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            for batch in super().__iter__():
                steps.append(1)
                yield batch

    rows = Counting(x, y, mask, 16, 0, shuffle=False)
    with pytest.raises(InputError, match="became nan in epoch 1 of 'training'; use a smaller"):
        fit(rows)
    assert len(steps) == 3


def test_weights_that_are_no_numbers_after_the_last_step_are_noticed() -> None:
    """No loss follows that would show it."""
    settings = Training(
        iterations=1, learning_rate=1e38, optimiser=SGD(), weight_decay=0.0, gradient_clip=1e38
    )
    x, y, mask = tensors(BINARY, 16)
    with pytest.raises(InputError, match=r"(weights|predictions) .*use a smaller learning rate"):
        fit(TableBatches(1e6 * x, y, mask, 16, 0), settings=settings)


@pytest.mark.parametrize("weighting", ["upgrad", "dbmtl"])
@pytest.mark.parametrize("sharing", ["hard", "cgc"])
def test_exact_gradients_train_in_mixed_precision(weighting: str, sharing: str) -> None:
    rule = UPGrad() if weighting == "upgrad" else DBMTL()
    settings = Training(epochs=1, weighting=rule, exact_gradients=True)
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    way = HardSharing() if sharing == "hard" else CGC()
    fitted = fit(batches(BINARY), way, settings, fabric=fabric)
    assert all(isfinite(point.loss) for point in fitted.curve)


class Recurrent(nn.Module):
    """A stage that gives the first part of what an LSTM gives."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LSTM(N_INPUTS, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(x)[0]
        return found


NORMED = nn.Sequential(nn.Linear(N_INPUTS, 4), nn.BatchNorm1d(4), nn.ReLU())
PLAIN = nn.Sequential(nn.Linear(N_INPUTS, 4), nn.ReLU())


@pytest.mark.parametrize(
    ("stages", "inputs", "message"),
    [
        (NORMED, torch.randn(101, N_INPUTS), "two rows or more where .* batch norm. Got one of 1"),
        (PLAIN, torch.randn(50, 9), r"torch.float32 \(50, 9\).* Got RuntimeError: mat1 and mat2"),
        (PLAIN, torch.ones(50, N_INPUTS).long(), r"torch.int64 \(50, 6\).* must have the same"),
        (
            nn.Sequential(nn.Linear(N_INPUTS, 4), nn.ReLU()).double(),
            torch.randn(50, N_INPUTS),
            "must have the same",
        ),
        ([nn.LSTM(N_INPUTS, 4)], torch.randn(50, N_INPUTS), "must give one tensor. Got .* tuple"),
        (
            [nn.LSTM(N_INPUTS, 4), nn.Linear(4, 4)],
            torch.randn(50, N_INPUTS),
            "must give one tensor. Got an object of type tuple; wrap the stage",
        ),
    ],
    ids=["one row", "width", "whole numbers", "double backbone", "tuple at the end", "tuple"],
)
def test_what_a_network_cannot_run_on_is_one_line(
    stages: nn.Sequential | list[nn.Module], inputs: Tensor, message: str
) -> None:
    loader = DataLoader(TensorDataset(inputs, torch.zeros(len(inputs), 4)), 50)
    with pytest.raises(InputError, match=message) as caught:
        Trainer(QUICK).fit(HardSharing(), stages, BINARY, loader, n_features=4)
    assert "\n" not in str(caught.value)


def test_numbers_of_other_precisions_are_taken() -> None:
    for dtype in (torch.float16, torch.float64):
        x, y, _ = tensors(BINARY, 48)
        fitted = fit([(x.to(dtype), y.to(dtype))])
        assert all(isfinite(point.loss) for point in fitted.curve)
    (x, y, _) = tensors(BINARY, 48)
    fit([(x.numpy(), y.numpy())])


def test_labels_of_a_table_in_memory_are_checked_once_before_the_first_step() -> None:
    tasks = TaskSet([Task("a", Binary()), Task("b", Multiclass(("x", "y")))])
    x, mask = torch.zeros(8, N_INPUTS), torch.ones(8, 2, dtype=torch.bool)
    rows = TableBatches(x, torch.full((8, 2), 2.0), mask, 4, 0)
    with pytest.raises(InputError, match=r"labels of task 'a' must be from 0 to 1\. Got 2"):
        Trainer(QUICK).fit(HardSharing(), backbone(), tasks, rows)
    with pytest.raises(InputError, match=r"must have one column per task, 4\. Got 2"):
        Trainer(QUICK).fit(HardSharing(), backbone(), BINARY, rows)
