"""Weightings as an axis of a comparison: every way of sharing with each, on the same footing."""

from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ramify._core import InputError
from ramify.comparison import ALWAYS, Contender, Progress
from ramify.comparison._contender import crossed
from ramify.records import ComparisonRecord
from ramify.report import print_comparison, render_comparison
from ramify.report.views._weighting_view import weighting_table
from ramify.runs import LinearSharing
from ramify.sharing import SingleTask
from ramify.training import Training
from ramify.weighting import DWA, Equal, Uncertainty, UPGrad, Weighting

from ._small import compared, hard, small_table, substance

TWO: dict[str, Weighting] = {"equal": Equal(), "upgrad": UPGrad()}
ONCE = {"single-task", "random-forest", "ridge-logistic"}

FORESTS = ("random-forest", "ridge-logistic")


@cache
def both() -> ComparisonRecord:
    return compared(small_table(), weightings=TWO).record


def names(record: ComparisonRecord) -> set[str]:
    return {method.name for method in record.methods}


def test_every_way_of_sharing_takes_part_with_each_weighting_and_the_others_once() -> None:
    pairs = {"hard", "hard + upgrad", "adaptive", "adaptive + upgrad"}
    assert names(both()) == pairs | ONCE


def test_linear_models_and_separate_networks_take_part_once() -> None:
    ways = [*ALWAYS, Contender("linear", lambda _seed: LinearSharing("trace-norm"))]
    found = [m.name for m in crossed(ways, {"dwa": DWA(), "upgrad": UPGrad()}, Equal())]
    assert found == ["single-task", "hard", "hard + dwa", "hard + upgrad", *FORESTS, "linear"]


def test_without_the_usual_weighting_only_what_always_takes_part_has_it() -> None:
    ways = [*ALWAYS, Contender("x", hard)]
    found = [m.name for m in crossed(ways, {"upgrad": UPGrad()}, Equal())]
    assert found == ["single-task", "hard", "hard + upgrad", *FORESTS, "x + upgrad"]


def test_the_usual_weighting_alone_is_a_comparison_without_weightings() -> None:
    frame = small_table()
    one = compared(frame, sharing={}, weightings={"equal": Equal()}).record
    other = compared(frame, sharing={}).record
    left_out = {"settings"}
    assert {k: v for k, v in substance(one).items() if k not in left_out} == {
        k: v for k, v in substance(other).items() if k not in left_out
    }


def test_a_weighting_of_the_axis_trains_as_that_of_training() -> None:
    axis = next(m for m in both().methods if m.name == "hard + upgrad")
    training = Training(epochs=3, learning_rate=1e-2, weighting=UPGrad())
    alone = compared(small_table(), sharing={}, training=training).record
    whole = next(m for m in alone.methods if m.name == "hard")
    assert (axis.test, axis.validation, axis.settings) == (
        whole.test,
        whole.validation,
        whole.settings,
    )
    assert axis.settings["weighting"] == "upgrad"


def test_finished_runs_are_used_when_weightings_are_added(tmp_path: Path) -> None:
    compared(small_table(), output=tmp_path)
    seen: list[Progress] = []
    found = compared(
        small_table(), weightings=TWO, output=tmp_path, resume=True, tell=seen.append
    ).record
    fresh = {ended.result.method for ended in seen if not ended.reused}
    assert fresh == {"hard + upgrad", "adaptive + upgrad"}
    assert substance(found) == substance(both())


def test_another_weighting_of_the_same_name_is_refused(tmp_path: Path) -> None:
    compared(small_table(), sharing={}, weightings=TWO, output=tmp_path)
    with pytest.raises(InputError, match=r"Different in 'hard \+ upgrad-seed-0\.json'"):
        compared(
            small_table(),
            sharing={},
            weightings={"upgrad": Uncertainty()},
            output=tmp_path,
            resume=True,
        )


def test_what_the_runs_have_in_common_does_not_name_one_weighting() -> None:
    assert "weighting" not in both().settings
    assert both().settings["weightings"] == ["equal", "upgrad"]


def test_names_that_would_be_mixed_up_are_refused() -> None:
    linear = Contender("hard + upgrad", lambda _seed: LinearSharing("dirty"))
    with pytest.raises(InputError, match=r"named once. Got 'hard \+ upgrad' repeatedly"):
        crossed([*ALWAYS, linear], TWO, Equal())
    with pytest.raises(InputError, match="must be a word"):
        crossed(ALWAYS, {"two words": UPGrad()}, Equal())


def test_the_table_of_weightings_holds_each_pair_once() -> None:
    table = weighting_table(both())
    assert table is not None
    assert table.weightings == ["equal", "upgrad"]
    tests = {method.name: method.test for method in both().methods}
    for sharing, cells in table.rows:
        found = [None if cell.method is None else cell.method.test for cell in cells]
        assert found == [tests[sharing], tests[f"{sharing} + upgrad"]]
        best = max(value for value in found if value is not None)
        assert [cell.highest for cell in cells] == [value == best for value in found]
    assert {sharing for sharing, _ in table.rows} == {"hard", "adaptive"}


def test_without_weightings_there_is_no_table() -> None:
    record = compared(small_table(), sharing={"alone": lambda _seed: SingleTask()}).record
    assert weighting_table(record) is None
    assert 'id="weightings"' not in render_comparison(record)


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_and_the_terminal_name_every_pair(width: int) -> None:
    page = render_comparison(both())
    assert 'id="weightings"' in page
    console = Console(file=StringIO(), width=width)
    print_comparison(both(), console)
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    for name in names(both()):
        assert name in page
        assert name in said
    assert max(len(line) for line in said.splitlines()) <= width
    assert "The same by weighting" in said
