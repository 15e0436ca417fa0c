"""Any weighting trains any way of sharing, with partial labels, and goes on where it was stopped."""

from math import isfinite
from pathlib import Path

import pytest
import torch
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, tensors
from tests.unit.cli._command import fit, make_table
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.data import TableBatches
from ramify.records import RunRecord
from ramify.sharing import HardSharing, Sharing
from ramify.tasks import Binary, Ranking, Regression, Task, TaskSet
from ramify.training import SGD, Fitted, Trainer, Training
from ramify.weighting import (
    WEIGHTINGS,
    Equal,
    GramFunction,
    Remembering,
    UPGrad,
    Weighting,
    weighting_named,
)

from ._cases import SHARINGS
from ._resuming import assert_same, fitted_in_parts

NAMES = [name for name in WEIGHTINGS if name != "fixed"]
BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
every_weighting = pytest.mark.parametrize("name", NAMES)


def trained(
    name: str,
    sharing: Sharing,
    tasks: TaskSet,
    *,
    epochs: int = 2,
    exact: bool = False,
    checkpoint: Path | None = None,
    train: TableBatches | None = None,
) -> Fitted:
    settings = Training(
        epochs=epochs,
        learning_rate=0.01,
        weight_decay=0.1,
        weighting=weighting_named(name),
        exact_gradients=exact,
    )
    trainer = Trainer(settings, checkpoint=checkpoint, checkpoint_seconds=0.0)
    rows = batches(tasks, labelled=0.3) if train is None else train
    return trainer.fit(sharing, backbone(), tasks, rows)


def assert_sound(fitted: Fitted) -> None:
    assert all(tensor.isfinite().all() for tensor in fitted.network.state_dict().values())
    assert all(isfinite(point.loss) for point in fitted.curve)


@every_weighting
@pytest.mark.parametrize("sharing", ["hard", "tree"])
def test_two_hundred_steps_with_partial_labels_stay_finite(name: str, sharing: str) -> None:
    rows = batches(MIXED, 800, labelled=0.3)
    assert len(rows) == 50
    fitted = trained(name, BUILDERS[sharing](MIXED), MIXED, epochs=4, train=rows)
    assert_sound(fitted)
    assert fitted.curve[-1].loss < fitted.curve[0].loss


@pytest.mark.parametrize("name", ["uncertainty", "gradvac"])
@pytest.mark.parametrize("sharing", BUILDERS)
def test_every_way_of_sharing_takes_weightings(name: str, sharing: str) -> None:
    assert_sound(trained(name, BUILDERS[sharing](MIXED), MIXED))


@pytest.mark.parametrize("name", ["uncertainty", "upgrad"])
@pytest.mark.parametrize("sharing", ["hard", "tree", "single-task"])
def test_exact_gradients_train_too(name: str, sharing: str) -> None:
    assert_sound(trained(name, BUILDERS[sharing](MIXED), MIXED, exact=True))


@pytest.mark.parametrize("sums", [False, True])
def test_exact_gradients_take_the_place_of_the_plain_ones(sums: bool) -> None:
    """A rule of ones trains as none; one that forgets a task does not."""

    def fit(weighting: Weighting) -> Fitted:
        settings = Training(
            epochs=1,
            optimiser=SGD(),
            weight_decay=0.0,
            weighting=weighting,
            exact_gradients=True,
            sum_over_tasks=sums,
        )
        return Trainer(settings).fit(HardSharing(), backbone(), BINARY, batches(BINARY))

    plain = fit(Equal()).network.state_dict()
    ones = fit(GramFunction(lambda gram: gram.new_full((len(gram),), 1 / len(gram))))
    first = fit(GramFunction(lambda gram: gram.new_ones(len(gram)).cumsum(0) == 1))
    assert_close(ones.network.state_dict(), plain)
    name = "stages.0.copies.0.0.weight"
    assert not torch.allclose(first.network.state_dict()[name], plain[name])


@pytest.mark.parametrize(
    "name", [name for name in NAMES if issubclass(WEIGHTINGS[name], Remembering)]
)
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a division of the tree, so that branches are weighed as well; an epoch has 6 steps."""
    sharing = BUILDERS["tree, grown"]
    whole = trained(name, sharing(BINARY), BINARY, epochs=3)

    def fit() -> Fitted:
        return trained(name, sharing(BINARY), BINARY, epochs=3, checkpoint=tmp_path)

    assert_same(whole, fitted_in_parts(fit, 4, monkeypatch))


def test_equal_weights_train_bit_for_bit_as_none() -> None:
    plain = Trainer(Training(epochs=2)).fit(HardSharing(), backbone(), MIXED, batches(MIXED))
    equal = Trainer(Training(epochs=2, weighting=Equal())).fit(
        HardSharing(), backbone(), MIXED, batches(MIXED)
    )
    assert_same(plain, equal)


def test_epochs_end_for_weightings_that_count_them() -> None:
    """Dynamic weight average has no ratio before two epochs are over."""
    equal, average = (trained(n, HardSharing(), MIXED, epochs=4) for n in ("equal", "dwa"))
    same = [one.loss == two.loss for one, two in zip(equal.curve, average.curve, strict=True)]
    assert same == [True, True, False, False]


@every_weighting
def test_a_ranking_without_a_pair_of_rows_is_as_absent(name: str) -> None:
    """Its loss there is 0, which is no success that others have to make up for."""
    tasks = TaskSet([Task("a", Ranking()), Task("b", Binary()), Task("c", Regression())])
    x, y, mask = tensors(tasks, 48, labelled=1.0)
    y[:, 0].abs_()  # relevances
    settings = Training(
        epochs=1, optimiser=SGD(momentum=0), weight_decay=0.0, weighting=weighting_named(name)
    )
    found = []
    for n_labels in (0, 1):  # in the second batch
        mask[16:32, 0] = torch.arange(16) < n_labels
        rows = TableBatches(x, y * mask, mask.clone(), 16, 0, shuffle=False)
        found.append(Trainer(settings).fit(HardSharing(), backbone(0.0), tasks, rows))
    assert_close(found[0].network.state_dict(), found[1].network.state_dict())


@every_weighting
def test_one_task_trains(name: str) -> None:
    tasks = TaskSet([Task("only", Binary())])
    assert_sound(trained(name, HardSharing(), tasks))


@every_weighting
def test_training_leaves_the_given_weighting_as_it_was(name: str) -> None:
    rule = weighting_named(name)
    before = vars(rule).copy()
    Trainer(Training(epochs=1, weighting=rule)).fit(
        HardSharing(), backbone(), BINARY, batches(BINARY)
    )
    assert vars(rule) == before


def test_any_function_of_the_gram_is_a_weighting() -> None:
    shapes = []

    def halves(gram: Tensor) -> Tensor:
        shapes.append(gram.shape)
        return torch.full((len(gram),), 0.5)

    settings = Training(epochs=1, weighting=halves)
    assert settings.settings()["weighting"] == "halves"
    fitted = Trainer(settings).fit(HardSharing(), backbone(), BINARY, batches(BINARY, labelled=1.0))
    assert_sound(fitted)
    assert set(shapes) == {(4, 4)}


def test_torchjd_trains() -> None:
    aggregation = pytest.importorskip("torchjd.aggregation", reason="TorchJD is not installed")
    settings = Training(epochs=2, weighting=aggregation.MGDAWeighting())
    assert settings.settings()["weighting"] == "MGDAWeighting"
    fitted = Trainer(settings).fit(HardSharing(), backbone(), MIXED, batches(MIXED))
    assert_sound(fitted)
    assert fitted.network(torch.zeros(2, N_INPUTS)).shape == (2, MIXED.n_columns)


@pytest.mark.boundary
def test_what_is_no_weighting_is_refused() -> None:
    with pytest.raises(InputError, match="`weighting` must be a Weighting or a function"):
        Training(weighting="upgrad")  # type: ignore[arg-type]


def test_the_settings_tell_the_weighting() -> None:
    found = Training(weighting=UPGrad(), exact_gradients=True).settings()
    assert (found["weighting"], found["exact_gradients"]) == ("upgrad", True)
    assert Training(weighting=weighting_named("cagrad")).settings()["weighting_radius"] == 0.4


def test_the_command_takes_a_weighting_and_records_it(tmp_path: Path) -> None:
    table = make_table(tmp_path / "table.csv")
    said = fit(table, tmp_path / "run", "--sharing", "hard", "--weighting", "upgrad")
    assert said.code == 0, said.err
    record = RunRecord.load(tmp_path / "run" / "record.json")
    assert record.settings["weighting"] == "upgrad"


def test_the_command_refuses_an_unknown_weighting_in_one_line(tmp_path: Path) -> None:
    table = make_table(tmp_path / "table.csv")
    said = fit(table, tmp_path / "run", "--weighting", "magic")
    assert said.code == 2
    assert "--weighting must be one of 'equal', 'fixed', 'uncertainty'" in said.err
    assert said.err.count("\n") == 1
