"""Levels and relevance as tables hold them, and as users state them."""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest

from ramify._core import InputError
from ramify.data import StatedKind as Stated
from ramify.data import infer_schema, open_table, read_groups, read_targets, rows_by_task
from ramify.tasks import Kind, Multiclass, Ordinal, Ranking

LEVELS = Ordinal(("low", "mid", "high"))


def kind_of(values: list[object], stated: Stated | None = None) -> Kind:
    frame = pl.DataFrame({"x": range(len(values)), "y": values}, strict=False)
    kinds = {} if stated is None else {"y": stated}
    found: Kind = infer_schema(open_table(frame), ["y"], kinds=kinds).tasks[0].kind
    return found


def test_levels_stand_in_the_order_that_was_stated() -> None:
    frame = pl.DataFrame({"x": range(5), "y": ["mid", "high", None, "low", "low"]})
    found = infer_schema(open_table(frame), ["y"], kinds={"y": LEVELS}).tasks
    targets, mask = read_targets(open_table(frame), found)
    assert found[0].kind == LEVELS
    assert targets[:, 0].tolist() == [1, 2, 0, 0, 0]
    assert mask[:, 0].tolist() == [True, True, False, True, True]


def test_levels_that_no_row_has_are_kept() -> None:
    assert kind_of(["low", "high", "low"], LEVELS) == LEVELS


def test_numbers_are_levels_as_they_rise() -> None:
    assert kind_of([10, 2, 2, 1, None], "ordinal") == Ordinal(("1", "2", "10"))
    assert kind_of([1.0, 2.0, 1.0], Ordinal(("2.0", "1"))) == Ordinal(("2", "1"))


def test_an_order_is_never_guessed_from_text_or_numbers() -> None:
    assert isinstance(kind_of(["low", "mid", "high"] * 3), Multiclass)
    assert isinstance(kind_of([1, 2, 3] * 3), Multiclass)


@pytest.mark.parametrize("values", [["mid", "low", None, "high", "mid", "low", "low"]])
def test_a_declared_order_is_taken_from_polars_and_pandas(values: list[str | None]) -> None:
    numbers, levels = list(range(len(values))), list(LEVELS.levels)
    ordered = pd.Categorical(values, categories=levels, ordered=True)
    frames = [
        pl.DataFrame({"x": numbers, "y": pl.Series(values, dtype=pl.Enum(levels))}),
        pd.DataFrame({"x": numbers, "y": ordered}),
    ]
    for frame in frames:
        assert infer_schema(open_table(frame), ["y"]).tasks[0].kind == LEVELS
        stated = infer_schema(open_table(frame), ["y"], kinds={"y": "multiclass"})
        assert isinstance(stated.tasks[0].kind, Multiclass)
    unordered = pd.DataFrame({"x": numbers, "y": pd.Categorical(values)})
    assert isinstance(infer_schema(open_table(unordered), ["y"]).tasks[0].kind, Multiclass)


def test_a_declared_order_goes_on_to_the_tasks_of_a_column() -> None:
    values = pl.Series(["mid", "low", "high", "mid"], dtype=pl.Enum(LEVELS.levels))
    frame = pl.DataFrame({"x": range(4), "who": ["a", "b", "a", "b"], "y": values})
    table, names = rows_by_task(open_table(frame), ["y"], "who")
    assert [task.kind for task in infer_schema(table, names).tasks] == [LEVELS, LEVELS]


def test_a_glob_states_many_kinds_and_a_name_goes_before_it() -> None:
    frame = pl.DataFrame({"x": range(4), **{name: [0, 1, 2, 3] for name in ("r1", "r2", "r3")}})
    stated: dict[str, Stated] = {"r2": "regression", "r*": "ranking"}
    found = infer_schema(open_table(frame), ["r*"], kinds=stated).tasks
    assert [task.kind.name for task in found] == ["ranking", "regression", "ranking"]


@pytest.mark.parametrize(
    ("values", "stated", "message"),
    [
        (["low", "top", "mid"], LEVELS, "must hold its levels 'low', 'mid', 'high' or be empty"),
        (["low", "mid", "high"], "ordinal", "ordinal target must hold numbers. 'y' holds"),
        ([1, 1, 1], "ordinal", "must have from 2 to 100 different labels. Got 1"),
        (["a", "b", "c"], "ranking", "ranking target 'y' must hold numbers"),
        ([0, -1, 2], "ranking", "must hold labels of 0 or more, from not relevant up"),
    ],
)
def test_labels_without_the_order_that_was_stated_are_refused(
    values: list[object], stated: Stated, message: str
) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        kind_of(values, stated)


@pytest.mark.parametrize("levels", [("a",), (), ("a", "b", "a")])
def test_levels_must_be_two_or_more_that_differ(levels: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="two or more different labels"):
        Ordinal(levels)


def groups_of(names: list[object], relevance: list[object], kind: str = "ranking") -> np.ndarray:
    frame = pl.DataFrame({"x": range(len(names)), "q": names, "y": relevance}, strict=False)
    table = open_table(frame)
    found = infer_schema(table, ["y"], kinds={"y": kind}, group_column="q")
    assert found.features.names == ("x",)
    _, mask = read_targets(table, found.tasks)
    return read_groups(table, "q", found.tasks, mask)


def test_rows_of_one_name_are_one_group_and_nameless_rows_none() -> None:
    found = groups_of(["b", "a", None, "b", None], [1, 2, None, 0, None])
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 4


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        (["a", None, "a"], "ranking", "must name a group in every row with a label of a ranking"),
        (["a", "b", "c"], "ranking", "must put rows together. Each of its 3 groups has one"),
        (["a", "a", "b"], "regression", "`group_column` is for ranking tasks"),
    ],
)
def test_groups_that_cannot_be_ranked_are_refused(
    names: list[object], kind: str, message: str
) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        groups_of(names, [0, 1, 2], kind)


def test_the_column_of_groups_must_be_there_and_be_no_target() -> None:
    table = open_table(pl.DataFrame({"x": [1, 2], "y": [0, 1]}))
    with pytest.raises(InputError, match="`group_column` must name columns of the table"):
        infer_schema(table, ["y"], group_column="q")
    with pytest.raises(InputError, match="`group_column` must not name a target"):
        infer_schema(table, ["y"], group_column="y")
    assert isinstance(Ranking(), Kind)
