"""What every strategy keeps to where some tasks only help the others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import toy_tokens
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, held_out, tensors
from torch.testing import assert_close

from ramify._core import InputError
from ramify.data import TableBatches
from ramify.networks import n_parameters, network_from
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, SingleTask
from ramify.tasks import ROW, SharingTree, TaskSet
from ramify.training import Fitted, Trainer, Training
from ramify.weighting import WEIGHTINGS, weighting_named

from ._cases import SHARINGS
from ._resuming import assert_same, fitted_in_parts

BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
every_sharing = pytest.mark.parametrize("name", BUILDERS)
QUICK = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)


def helped(tasks: TaskSet, *helpers: str) -> TaskSet:
    """The same tasks, of which some only help."""
    return TaskSet([replace(t, role="auxiliary") if t.name in helpers else t for t in tasks])


TASKS = helped(MIXED, "b", "d")
COLUMNS = [0, 2, 3, 4]  # of a, and of the three classes of c


def trained(
    name: str,
    tasks: TaskSet = TASKS,
    *,
    settings: Training = QUICK,
    validation: TableBatches | None = None,
    checkpoint: Path | None = None,
) -> Fitted:
    trainer = Trainer(settings, checkpoint=checkpoint, checkpoint_seconds=0)
    rows = held_out(tasks) if validation is None else validation
    return trainer.fit(BUILDERS[name](tasks), backbone(), tasks, batches(tasks), rows)


@every_sharing
def test_the_answer_is_for_the_main_tasks_and_says_what_the_whole_network_says(name: str) -> None:
    fitted = trained(name)
    assert fitted.network.tasks.names == ("a", "c")
    assert fitted.trained.tasks.names == TASKS.names
    x = torch.randn(7, N_INPUTS)
    assert_close(fitted.network(x), fitted.trained(x)[:, COLUMNS])
    assert n_parameters(fitted.network) < n_parameters(fitted.trained)
    with torch.no_grad():
        for parameter in fitted.network.parameters():
            parameter.zero_()
    assert all(value.any() for value in fitted.trained.get_submodule("heads").parameters())


@every_sharing
def test_an_auxiliary_task_has_no_say_in_what_is_kept(name: str) -> None:
    """Its labels on validation rows may be anything, or missing."""
    x, y, mask = tensors(MIXED, 64, seed=9)
    other, none = y.clone(), mask.clone()
    other[:, [1, 3]] = 1 - other[:, [1, 3]].clamp(0, 1)
    none[:, [1, 3]] = False
    kept = [
        trained(name, validation=TableBatches(x, targets, labels, 64, seed=1, shuffle=False))
        for targets, labels in ((y, mask), (other, mask), (y, none))
    ]
    assert_same(kept[0], kept[1])
    assert_same(kept[0], kept[2])
    assert all(point.validation_score is not None for point in kept[2].curve)


@every_sharing
def test_it_does_help(name: str) -> None:
    """Where tasks share, the answer is another one without it."""
    if name in {"single-task", "low-level, separate"} or name.startswith("soft, equal"):
        pytest.skip("shares nothing, or is at no place of its own")
    with_help, without = trained(name), trained(name, TASKS.main)
    x = torch.randn(7, N_INPUTS)
    assert not torch.allclose(with_help.network(x), without.network(x), atol=1e-6)


@every_sharing
def test_the_answer_is_built_again_from_what_it_says_of_itself(name: str) -> None:
    network = trained(name).network
    settings = json.loads(json.dumps(dict(network.settings()), allow_nan=False))
    again = network_from(network.kind, settings, backbone(), network.tree, network.tasks)
    again.load_state_dict(network.state_dict())
    x = torch.randn(5, N_INPUTS)
    assert torch.equal(again.eval()(x), network(x))


@pytest.mark.parametrize("name", ["hard", "factorised", "cross-stitch", "mmoe", "low-level"])
def test_a_single_main_task_may_have_helpers_only(name: str) -> None:
    tasks = helped(BINARY, "b", "c", "d")
    fitted = trained(name, tasks)
    x = torch.randn(7, N_INPUTS)
    assert_close(fitted.network(x), fitted.trained(x)[:, :1])
    predictions = Trainer().predict(fitted.network, held_out(tasks), tasks=tasks)
    assert predictions.values.shape == (64, 1)
    assert predictions.scores(fitted.network.tasks).shape == (1,)


@pytest.mark.parametrize("name", ["adaptive", "selective", "cross-stitch"])
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(name)
    parts = fitted_in_parts(lambda: trained(name, checkpoint=tmp_path), 4, monkeypatch)
    assert_same(whole, parts)


@pytest.mark.parametrize("weighting", [name for name in WEIGHTINGS if name != "fixed"])
def test_every_weighting_weighs_them_as_the_others(weighting: str) -> None:
    settings = replace(QUICK, weighting=weighting_named(weighting))
    fitted = trained("tree", settings=settings)
    plain = trained("tree", MIXED, settings=replace(settings, keep_best=False))
    same = trained("tree", settings=replace(settings, keep_best=False))
    assert fitted.network.tasks.names == ("a", "c")
    assert_close(dict(same.trained.state_dict()), dict(plain.network.state_dict()))


def test_predictions_are_of_main_tasks_whatever_the_rows_have_labels_of() -> None:
    fitted = trained("hard")
    found = Trainer().predict(fitted.network, held_out(TASKS), tasks=TASKS)
    whole = Trainer().predict(fitted.trained, held_out(TASKS))
    assert found.values.shape == (64, 4)
    np.testing.assert_allclose(found.values, whole.values[:, COLUMNS])
    assert (found.targets == whole.targets[:, [0, 2]]).all()
    assert (found.label_mask == whole.label_mask[:, [0, 2]]).all()
    np.testing.assert_allclose(found.scores(fitted.network.tasks), whole.scores(TASKS)[[0, 2]])


def test_branches_that_serve_only_auxiliary_tasks_are_left_out() -> None:
    network = SingleTask().build(backbone(), TASKS)
    alone = SingleTask().build(backbone(), TASKS.main)
    assert n_parameters(network.without_auxiliary()) == n_parameters(alone)
    assert network.parameters_of(network.tree) == n_parameters(alone)
    tree = SharingTree(TASKS.names, ((TASKS.names,), (("a", "b"), ("c",), ("d",))))
    cut = FixedTree(tree).build(backbone(), TASKS).without_auxiliary()
    assert cut.tree.stages == ((("a", "c"),), (("a",), ("c",)))


def test_the_budget_is_that_of_the_answer() -> None:
    tasks = helped(BINARY, "c", "d")
    sharing = FullyAdaptive(growing_epochs=1, max_parameters=240)
    fitted = Trainer(QUICK).fit(sharing, backbone(), tasks, batches(tasks), held_out(tasks))
    assert n_parameters(fitted.network) <= 240
    assert sharing.matrix().shape == (4, 4)  # what it learned is about all of them


def test_auxiliary_tasks_may_be_of_another_unit() -> None:
    """Of words beside rows that are wanted, and the other way round."""
    for wanted in ("row", "word"):
        every = toy_tokens.MIXED_UNITS
        helpers = [t.name for t in every if (t.unit == ROW) != (wanted == "row")]
        tasks = helped(every, *helpers)
        fitted = Trainer(QUICK).fit(
            HardSharing(),
            toy_tokens.backbone(),
            tasks,
            toy_tokens.batches(tasks),
            toy_tokens.held_out(tasks),
        )
        inputs = toy_tokens.rows(tasks, 5)["inputs"]
        n_units = 5 if wanted == "row" else 5 * toy_tokens.LONGEST
        assert fitted.network(inputs).shape[0] == n_units
        rows = toy_tokens.held_out(tasks)
        predictions = Trainer().predict(fitted.network, rows, tasks=tasks, only_labelled=True)
        found = predictions.skills(fitted.network.tasks)
        whole = Trainer().predict(fitted.trained, rows, only_labelled=True).skills(tasks)
        np.testing.assert_allclose(found, whole[~np.isnan(whole)])


def test_tasks_that_only_help_each_other_are_refused() -> None:
    tasks = helped(BINARY, *BINARY.names)
    with pytest.raises(
        InputError, match=r"`tasks` must hold a task whose `role` is main\. Got 'a'"
    ):
        Trainer(QUICK).fit(HardSharing(), backbone(), tasks, batches(tasks))


def test_a_role_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="`role` must be one of 'main', 'auxiliary'"):
        replace(BINARY[0], role="helper")
