"""What the pictures show is what the record holds."""

import base64
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from ramify.records import Difference, RunRecord
from ramify.report.charts._forest import WIDTH, axis
from ramify.report.charts._histogram import histogram
from ramify.report.views._curve_view import curves
from ramify.report.views._heat_view import heat
from ramify.report.views._path_view import path_picture
from ramify.report.views._score_view import score_tables
from ramify.report.views._tree_view import Block, leaf_order, outline, runs, tree_picture

from ._records import random_stages, record
from ._situations import RECORDS

every_situation = pytest.mark.parametrize("situation", RECORDS)


def names(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield from block.names
        yield from names((*block.children, *block.more))


@every_situation
def test_the_tree_shows_every_task_once(situation: str) -> None:
    made = RECORDS[situation]()
    picture, tasks = tree_picture(made.tree.stages), sorted(task.name for task in made.tasks)
    assert sorted(names((*picture.blocks, *picture.more))) == tasks
    assert sorted(leaf_order(runs(made.tree.stages))) == tasks


def open_rows(blocks: Iterable[Block], more: tuple[Block, ...]) -> int:
    inside = sum(max(open_rows(block.children, block.more), 1) for block in blocks)
    return inside + bool(more)


@pytest.mark.parametrize("widths", [[617], [1, 617], [1, 6, 31, 96], [1, 2, 300, 600]])
def test_a_tree_of_617_tasks_is_not_endless(widths: list[int]) -> None:
    tasks = [f"task {i}" for i in range(617)]
    picture = tree_picture(random_stages(tasks, widths))
    assert open_rows(picture.blocks, picture.more) < 100
    assert sorted(names((*picture.blocks, *picture.more))) == sorted(tasks)


def test_tasks_that_share_stand_together() -> None:
    made = RECORDS["many"]()
    place = {name: i for i, name in enumerate(leaf_order(runs(made.tree.stages)))}
    for stage in made.tree.stages:
        for group in stage:
            at = sorted(place[name] for name in group)
            assert at == list(range(at[0], at[0] + len(at)))


def test_an_outline_is_cut() -> None:
    tree = runs(RECORDS["many"]().tree.stages)
    assert outline(tree, most=10).count("\n") == 10
    assert "more branches" in outline(tree, most=10)


def unpacked(made: RunRecord, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    picture = heat(made)
    assert picture is not None
    layers = picture.canvas["layers"]
    assert isinstance(layers, list)
    layer = layers[index]
    levels = np.frombuffer(base64.b64decode(layer["data"]), np.uint8).astype(np.float64)
    levels[levels == 255] = np.nan
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = layer["low"] + levels / 254 * (
        layer["high"] - layer["low"]
    )
    return values


@pytest.mark.parametrize("situation", ["twelve", "many", "hostile"])
def test_the_heat_map_holds_the_affinities_in_the_order_of_the_tree(situation: str) -> None:
    made = RECORDS[situation]()
    info = next(iter(made.affinity.values()))
    order = [info.tasks.index(name) for name in leaf_order(runs(made.tree.stages))]
    matrix = np.array(info.matrix, dtype=np.float64)[np.ix_(order, order)]
    rows, columns = np.tril_indices(len(matrix))
    off = rows != columns
    wanted, found = matrix[rows, columns][off], unpacked(made, 0)[off]
    np.testing.assert_allclose(found, wanted, atol=2 / 254)


def test_a_matrix_without_values_does_no_harm() -> None:
    made = record(["a", "b"], [[["a", "b"]]])
    empty = {
        name: info.model_copy(update={"matrix": [[None, None], [None, None]]})
        for name, info in made.affinity.items()
    }
    found = heat(made.model_copy(update={"affinity": empty}))
    assert found is not None
    assert found.measures[0].n_missing == 1
    assert not found.measures[0].closest


def test_a_clear_gain_lies_wholly_right_of_0() -> None:
    found = axis([0.03, -0.02])
    gain = found.mark(Difference(task="a", value=0.02, low=0.01, high=0.03, clear=True))
    unclear = found.mark(Difference(task="a", value=0.0, low=-0.02, high=0.02, clear=False))
    assert gain
    assert unclear
    assert gain.outcome == "better"
    assert unclear.x == WIDTH / 2
    assert WIDTH / 2 < gain.low < gain.x < gain.high <= WIDTH
    assert found.mark(Difference(task="a", value=None, low=None, high=None)) is None


def test_a_histogram_counts_every_task_and_no_bar_spans_0() -> None:
    values = np.random.default_rng(0).normal(0.01, 0.02, 600).tolist()
    bars = histogram(values, "gain").bars
    assert sum(int(bar.tip.split(": ")[1].split(" ")[0]) for bar in bars) == 600
    lost = [bar for bar in bars if bar.side == "worse"]
    assert sum(int(bar.tip.split(": ")[1].split(" ")[0]) for bar in lost) == sum(
        v < 0 for v in values
    )


def test_equal_values_still_make_a_histogram() -> None:
    assert len(histogram([0.0] * 50, "gain").bars) == 1


def test_extremes_are_the_largest_gains_and_losses() -> None:
    (table,) = score_tables(RECORDS["many"]())
    values = [row.cells[0].difference for row in (*table.gains, *table.losses)]
    kept = [d.value for d in values if d is not None and d.value is not None]
    every = sorted(
        d.value
        for d in RECORDS["many"]().baselines["single_task"].differences
        if d.value is not None
    )
    assert kept == [*every[::-1][:8], *every[:8]]


def test_errors_in_different_units_are_drawn_in_percent() -> None:
    by_metric = {table.metric: table for table in score_tables(RECORDS["mixed"]())}
    assert by_metric["RMSE"].percent
    assert not by_metric["ROC-AUC"].percent
    assert not by_metric["RMSE"].higher_is_better


def test_hundreds_of_phases_draw_few_charts() -> None:
    points = RECORDS["twelve"]().curves[:30]
    many = [p.model_copy(update={"phase": f"single {i}"}) for i in range(300) for p in points]
    found = curves(many)
    assert found is not None
    assert len(found.phases) == 300
    assert len(found.shown) + len(found.folded) == 24
    assert found.phases[30].loss is None


def test_widening_is_marked_where_it_happened() -> None:
    found = curves(RECORDS["twelve"]().curves)
    assert found is not None
    assert found.phases[0].loss is not None
    assert [rule.label[:8] for rule in found.phases[0].loss.rules] == ["epoch 12"]


def test_the_path_keeps_its_steps_and_marks_one() -> None:
    made = RECORDS["twelve"]()
    picture = path_picture(made.path)
    assert picture is not None
    assert len(picture.steps) == len(made.path)
    assert all(sum(dot.chosen for dot in chart.dots) == 1 for chart in picture.charts)
    assert path_picture([]) is None
