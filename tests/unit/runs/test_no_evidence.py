"""A tree is grown from what rows tell of pairs of tasks, or not at all."""

import numpy as np
import polars as pl

import ramify
from ramify.data import planted_table
from ramify.sharing import FullyAdaptive
from ramify.training import Training

N_TASKS = 6


def table(labelled: np.ndarray) -> pl.DataFrame:
    """Six tasks that follow one feature or its opposite, with the labels of a mask."""
    x = np.random.default_rng(0).standard_normal((len(labelled), 3))
    signs = np.where(np.arange(N_TASKS) % 2, 1, -1)
    labels = np.where(x[:, :1] * signs > 0, "yes", "no").astype(object)
    labels[~labelled] = None
    columns = {f"x{i}": x[:, i] for i in range(3)}
    return pl.DataFrame(columns | {f"task {t}": list(labels[:, t]) for t in range(N_TASKS)})


def fitted(labelled: np.ndarray) -> ramify.Run:
    return ramify.fit(
        table(labelled),
        "task*",
        sharing=FullyAdaptive(growing_epochs=1, n_candidates=2),
        hidden=(8, 8),
        training=Training(epochs=1),
        baselines=(),
    )


def test_tasks_with_rows_of_their_own_share_everything_and_it_is_said() -> None:
    record = fitted(np.arange(240)[:, None] % N_TASKS == np.arange(N_TASKS)).record
    assert record.tree.stages == [[[task.name for task in record.tasks]]] * 2
    (said,) = [each for each in record.warnings if "pairs of tasks" in each]
    assert "15 of 15" in said
    assert "`linear:clustered`" in said
    assert len(record.path) == 1
    (used,) = [each for each in record.affinity.values() if each.used]
    assert [row.count(None) for row in used.matrix] == [5] * 6


def test_a_few_unknown_pairs_are_counted() -> None:
    labelled = np.ones((240, N_TASKS), dtype=bool)
    labelled[::2, 0] = labelled[1::2, 1] = False
    (said,) = [each for each in fitted(labelled).record.warnings if "pairs of tasks" in each]
    assert "1 of 15 pairs" in said


def test_where_all_pairs_are_known_nothing_is_said() -> None:
    record = fitted(np.ones((240, N_TASKS), dtype=bool)).record
    assert not any("pairs of tasks" in each for each in record.warnings)


def planted(epochs: int, rows: int) -> ramify.Run:
    frame, groups = planted_table(n_groups=2, tasks_per_group=2, rows=rows)
    return ramify.fit(
        frame,
        [name for group in groups for name in group],
        sharing=FullyAdaptive(growing_epochs=epochs, n_candidates=2, max_parameters=10_000),
        hidden=(16,),
        training=Training(epochs=1, learning_rate=0.01),
        baselines=(),
    )


def test_a_tree_from_a_network_near_chance_is_said_to_be_no_evidence() -> None:
    run = planted(epochs=1, rows=200)
    assert run.tree.widths[-1] > 1
    (said,) = [each for each in run.record.warnings if "hardly better than chance" in each]
    assert "no evidence of which tasks are alike" in said
    assert "by chance 0.500" in said


def test_a_tree_from_a_network_that_learned_is_not_doubted() -> None:
    run = planted(epochs=10, rows=600)
    assert run.tree.widths[-1] > 1
    assert not any("hardly better than chance" in each for each in run.record.warnings)


def stable(noise: float, rows: int) -> ramify.Run:
    frame, groups = planted_table(2, 4, rows=rows, features=10, noise=noise)
    return ramify.fit(
        frame,
        [name for group in groups for name in group],
        sharing=FullyAdaptive(growing_epochs=8, n_candidates=2, max_parameters=3_500),
        hidden=(32, 32),
        batch_size=64,
        training=Training(epochs=1, learning_rate=0.01),
        baselines=(),
    )


def test_planted_groups_that_are_found_come_back_in_other_trainings() -> None:
    record = stable(noise=0.2, rows=1500).record
    top = [each for each in record.stability if each.stage == 1]
    assert sorted(len(each.tasks) for each in top) == [4, 4]
    assert min(each.stability for each in top) > 0.8
    assert all(each.trainings == 3 for each in top)
    assert not any("may be chance" in each for each in record.warnings)


def test_groups_of_a_tree_that_is_chance_do_not_come_back_and_it_is_said() -> None:
    record = stable(noise=3.0, rows=300).record
    assert record.stability
    assert np.mean([each.stability for each in record.stability]) < 0.3
    assert any("the tree may be chance" in e or "no evidence" in e for e in record.warnings)
