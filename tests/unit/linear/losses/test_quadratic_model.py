"""Tasks with fewer rows than features are solved in their rows, with the same result."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from ramify.linear import ClusteredTasks, ClusteredTasksClassifier, FeatureLearning
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.inputs._design import Design, SharedDesign, StackedDesign
from ramify.linear.losses._row_loss import _RowCurvature

Array = NDArray[np.float64]
N_TASKS, N_ROWS, N_FEATURES = 3, 6, 15


def design(*, shared: bool) -> Design:
    rng = np.random.default_rng(0)
    if shared:
        found: Design = SharedDesign(rng.normal(size=(N_ROWS, N_FEATURES)), N_TASKS)
    else:
        rows = rng.normal(size=(N_TASKS * N_ROWS, N_FEATURES))
        found = StackedDesign(rows, np.array([N_ROWS - 1, N_ROWS, N_ROWS + 1]))
    found.centres = np.broadcast_to(rng.normal(size=N_FEATURES), (N_TASKS, N_FEATURES))
    return found


@pytest.mark.parametrize(("shared", "leaning"), [(True, False), (False, False), (False, True)])
def test_roots_are_those_of_the_blocks(shared: bool, leaning: bool) -> None:
    rng = np.random.default_rng(1)
    rows = design(shared=shared)
    weights = np.ones((N_ROWS, N_TASKS)) if shared else rng.uniform(size=N_TASKS * N_ROWS)
    curvature = _RowCurvature(rows, weights, leaning)
    roots, blocks = curvature.roots(), curvature.blocks()
    assert roots is not None
    for root, block in zip(roots, blocks[None] if shared else blocks, strict=True):
        assert_allclose(root.T @ root, block, atol=1e-12)


def test_many_rows_and_sparse_rows_have_no_roots() -> None:
    tall = StackedDesign(np.ones((24, 15)), np.array([8, 8, 8]))
    sparse = StackedDesign(sp.csr_array(np.ones((18, 15))), np.array([6, 6, 6]))
    for rows, n in ((tall, 24), (sparse, 18)):
        assert rows.roots(np.ones(n), np.zeros((3, 15))) is None
    differing = np.ones((N_ROWS, N_TASKS))
    differing[0, 0] = 0
    assert design(shared=True).roots(differing, np.zeros((N_TASKS, N_FEATURES))) is None


@pytest.mark.parametrize("model", [ClusteredTasks(0.05), FeatureLearning(0.05)], ids=type)
@pytest.mark.parametrize("form", ["shared", "stacked", "classes"])
def test_rows_give_what_matrices_give(
    model: MultiTaskModel, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    X, task = rng.normal(size=(21, 15)), np.repeat(np.arange(3), 7)
    y: Array = X[:, :3].sum(axis=1) + 0.1 * rng.normal(size=21)
    given = {"X": X[:7], "y": y.reshape(3, 7).T} if form == "shared" else {"X": X, "y": y}
    more = {} if form == "shared" else {"task": task}
    if form == "classes":
        model, given["y"] = ClusteredTasksClassifier(0.05), (y > 0).astype(float)
    by_rows = model.set_params(tol=1e-9).fit(**given, **more).coef_
    monkeypatch.setattr(_RowCurvature, "roots", lambda _: None)
    assert_allclose(by_rows, model.fit(**given, **more).coef_, atol=1e-4)
