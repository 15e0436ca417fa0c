"""Forests and linear models as tensors say what scikit-learn says, and are not walked blindly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from tests.unit.runs._runs import quick, small_table, without_digest

import ramify
from ramify._core import InputError, ModelFileError, sha256_of
from ramify.data import open_table
from ramify.runs import RandomForest, RidgeLogistic, Run, run_table
from ramify.runs.methods._per_task import PerTask
from ramify.runs.methods._tensor_models import Forest, LinearPart, table_of
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Regression, Task

METHODS: dict[str, PerTask] = {
    each.name: each for each in (RandomForest(n_trees=5), RidgeLogistic())
}
KINDS: dict[str, tuple[Kind, int]] = {
    "binary": (Binary(), 2),
    "multiclass": (Multiclass(("a", "b", "c", "d")), 4),
    "ordinal": (Ordinal(("a", "b", "c")), 3),
    "regression": (Regression(5.0, 2.0), 0),
}
every_kind = pytest.mark.parametrize("name", KINDS)
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def rows(n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    rng = np.random.default_rng(n_classes)
    inputs = rng.standard_normal((300, 5)).astype(np.float32)
    inputs[:, 4] = rng.integers(0, 2, 300)  # equal values meet thresholds
    score = inputs[:, 0] + inputs[:, 1] * inputs[:, 2]
    if n_classes == 0:
        return inputs, score.astype(np.float64) * 3 + 10
    edges = np.quantile(score, np.linspace(0, 1, n_classes + 1)[1:-1])
    return inputs, np.digitize(score, edges).astype(np.float64)


def told(probabilities: NDArray[np.float64], kind: Kind) -> NDArray[np.float64]:
    """What is told of probabilities of all classes, by plain words."""
    if isinstance(kind, Multiclass):
        return probabilities
    if isinstance(kind, Ordinal):
        return np.stack([probabilities[:, k:].sum(1) for k in range(1, probabilities.shape[1])], 1)
    return probabilities[:, 1:]


@every_kind
@pytest.mark.parametrize("balanced", [False, True])
def test_a_forest_of_tensors_is_that_of_scikit_learn(name: str, balanced: bool) -> None:
    kind, n_classes = KINDS[name]
    inputs, labels = rows(n_classes)
    if n_classes == 0:
        model = RandomForestRegressor(20, random_state=0).fit(inputs, labels)
        wanted, classes = model.predict(inputs)[:, None], []
    else:
        weights = "balanced_subsample" if balanced else None
        model = RandomForestClassifier(20, random_state=0, class_weight=weights)
        model.fit(inputs, labels)
        wanted, classes = told(model.predict_proba(inputs), kind), list(range(n_classes))
    trees = [each.tree_ for each in model.estimators_]
    part = Forest.of(trees, table_of(Task("t", kind), classes))
    part.check(inputs.shape[1])
    assert_allclose(part(torch.from_numpy(inputs)).numpy(), wanted, rtol=1e-12, atol=1e-14)
    assert part.sizes[0] == sum(tree.node_count for tree in trees)


@every_kind
def test_a_linear_model_of_tensors_is_that_of_scikit_learn(name: str) -> None:
    kind, n_classes = KINDS[name]
    inputs, labels = rows(n_classes)
    if n_classes == 0:
        model = Ridge().fit(inputs.astype(np.float64), labels)
        wanted, classes = model.predict(inputs)[:, None], []
    else:
        model = LogisticRegression().fit(inputs.astype(np.float64), labels)
        wanted, classes = told(model.predict_proba(inputs), kind), list(range(n_classes))
    table = table_of(Task("t", kind), classes)
    part = LinearPart.of(model.coef_, np.asarray(model.intercept_), table)
    part.check(inputs.shape[1])
    assert_allclose(part(torch.from_numpy(inputs)).numpy(), wanted, rtol=1e-10, atol=1e-12)


def test_a_class_without_rows_has_probability_0() -> None:
    table = table_of(Task("t", Multiclass(("a", "b", "c"))), [0, 2])
    assert (np.array([[0.3, 0.7]]) @ table).tolist() == [[0.3, 0.0, 0.7]]


def test_rows_at_a_threshold_between_two_numbers_go_where_scikit_learn_sends_them() -> None:
    near = np.float32(1.0)
    inputs = np.array([[near], [np.nextafter(near, np.float32(2))]] * 20, dtype=np.float32)
    model = RandomForestRegressor(3, random_state=0).fit(inputs, np.arange(40) % 2)
    part = Forest.of([each.tree_ for each in model.estimators_], np.eye(1))
    assert_allclose(part(torch.from_numpy(inputs))[:, 0].numpy(), model.predict(inputs))


def run(method: PerTask) -> tuple[Run, pl.DataFrame]:
    frame = small_table(("binary", "regression", "multiclass"))
    return run_table(open_table(frame), quick(sharing=method)), frame


@every_method
def test_it_is_saved_predicts_and_reports(method: PerTask, tmp_path: Path) -> None:
    fitted, frame = run(method)
    fitted.save(tmp_path)
    again = ramify.load(tmp_path)
    assert again.predict(frame).equals(fitted.predict(frame))
    sharing = again.record.sharing
    assert (sharing.name, sharing.structure, sharing.shares) == (
        method.name,
        method.structure,
        False,
    )
    assert any(name.startswith("tasks with ") for name in sharing.settings)
    assert "of its own" in again.report()


def changed(folder: Path, **tensors: torch.Tensor) -> None:
    """Other numbers under a digest that fits."""
    path = folder / "model.safetensors"
    save_file(load_file(path) | {name.replace("__", "."): t for name, t in tensors.items()}, path)
    card = without_digest(folder)
    text = card.read_text()
    old = text[text.index("weights_sha256") + 18 :][:64]
    card.write_text(text.replace(old, sha256_of(path)))


HOSTILE: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "a circle": ("below", torch.zeros_like),
    "beyond the end": ("below", lambda t: torch.full_like(t, 2**30)),
    "an input that is not there": ("feature", lambda t: torch.full_like(t, 99)),
    "a leaf that is not there": ("feature", lambda t: torch.where(t < 0, -(2**31), t)),
    "a leaf that goes on": ("feature", lambda t: t.clamp(min=0)),
    "roots that fall": ("roots", torch.zeros_like),
    "no numbers": ("threshold", lambda t: torch.full_like(t, float("nan"))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_trees_of_a_foreign_file_are_checked_before_they_are_walked(
    name: str, tmp_path: Path
) -> None:
    fitted, _ = run(RandomForest(n_trees=5))
    fitted.save(tmp_path)
    held = load_file(tmp_path / "model.safetensors")
    field, change = HOSTILE[name]
    changed(tmp_path, **{f"network__parts__0__{field}": change(held[f"network.parts.0.{field}"])})
    with pytest.raises(ModelFileError, match="do not fit each other: the trees lead nowhere"):
        ramify.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"n_inputs": ', '"n_inputs": 9'), ('"sizes": [', '"sizes": [9999999999, ')],
)
def test_sizes_of_a_foreign_file_are_checked_before_anything_is_made(
    old: str, new: str, tmp_path: Path
) -> None:
    fitted, _ = run(RidgeLogistic())
    fitted.save(tmp_path)
    card = without_digest(tmp_path)
    text = card.read_text()
    assert old in text
    card.write_text(text.replace(old, new))
    with pytest.raises(ModelFileError):
        ramify.load(tmp_path)


def test_weights_that_are_no_numbers_are_refused() -> None:
    part = LinearPart.of(np.full((1, 3), np.inf), np.zeros(1), np.eye(1))
    with pytest.raises(InputError, match="make no linear model"):
        part.check(3)
    with pytest.raises(InputError, match="make no linear model"):
        LinearPart.of(np.ones((1, 3)), np.zeros(1), np.eye(1)).check(4)
