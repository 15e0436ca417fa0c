import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.data import (
    ColumnSplit,
    GroupSplit,
    RandomSplit,
    Split,
    SplitRule,
    Table,
    open_table,
    parse_split,
    split_rows,
)

N = 100


def table(**columns: object) -> Table:
    return open_table(pl.DataFrame(columns or {"x": range(N)}))


def labelled(n: int = N) -> NDArray[np.bool_]:
    return np.ones((n, 1), dtype=bool)


def check_partition(split: Split, rows: NDArray[np.int64]) -> None:
    together = np.concatenate([split.train, split.validation, split.test])
    assert_array_equal(np.sort(together), rows)
    for side in (split.train, split.validation, split.test):
        assert side.dtype == np.int64
        assert_array_equal(side, np.sort(side))


RULES: list[SplitRule] = [RandomSplit(), ColumnSplit("side"), GroupSplit("site")]
SIDES = (["train"] * 8 + ["valid", "test"]) * 10
SITES = [f"s{i // 5}" for i in range(N)]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_divides_the_labelled_rows(rule: SplitRule) -> None:
    mask = labelled()
    mask[[0, 7, 99]] = False
    split = split_rows(rule, table(x=range(N), side=SIDES, site=SITES), mask, seed=0)
    check_partition(split, np.setdiff1d(np.arange(N), [0, 7, 99]))
    assert "3 rows without any label left out" in split.notes
    assert sum(split.sizes.values()) == 97


@pytest.mark.parametrize("rule", [RandomSplit(), GroupSplit("site")], ids=str)
def test_the_split_is_a_function_of_the_seed(rule: SplitRule) -> None:
    here = table(x=range(N), site=SITES)
    first, again = (split_rows(rule, here, labelled(), seed=1) for _ in range(2))
    assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, split_rows(rule, here, labelled(), seed=2).test)


@pytest.mark.parametrize("n", range(3, 30))
def test_small_tables_have_a_row_on_every_side(n: int) -> None:
    for train, validation in [(0.8, 0.1), (0.9, 0.05), (0.1, 0.1), (0.1, 0.8)]:
        rule = RandomSplit(train, validation)
        check_partition(split_rows(rule, table(x=range(n)), labelled(n), seed=0), np.arange(n))


def test_shares_are_kept() -> None:
    assert split_rows(RandomSplit(), table(), labelled(), 0).sizes == {
        "train": 80,
        "validation": 10,
        "test": 10,
    }
    assert split_rows(RandomSplit(0.6, 0.3), table(), labelled(), 0).sizes["validation"] == 30


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_labelled_rows_are_refused(n: int) -> None:
    mask = labelled()
    mask[n:] = False
    with pytest.raises(InputError, match=f"at least 3 rows must have a label, .* has {n}; label"):
        split_rows(RandomSplit(), table(), mask, seed=0)


def test_a_group_stays_on_one_side() -> None:
    sites = [f"s{i}" for i in np.random.default_rng(0).integers(0, 12, N)]
    split = split_rows(GroupSplit("site"), table(site=sites), labelled(), seed=3)
    sets = [{sites[row] for row in side} for side in (split.train, split.validation, split.test)]
    assert sum(map(len, sets)) == len(set(sites))
    assert 60 <= split.sizes["train"] <= 90


@pytest.mark.parametrize("sizes", [[98, 1, 1], [34, 33, 33], [90, 5, 5], [50, 48, 1, 1]])
def test_groups_of_any_size_leave_no_side_empty(sizes: list[int]) -> None:
    sites = [f"s{i}" for i, n in enumerate(sizes) for _ in range(n)]
    split = split_rows(GroupSplit("site"), table(site=sites), labelled(), seed=0)
    assert split.sizes["train"] == max(split.sizes.values())


def test_groups_may_be_numbers() -> None:
    sites = [i % 10 for i in range(N)]
    assert split_rows(GroupSplit("site"), table(site=sites), labelled(), 0).sizes["train"] == 80


def test_bad_groups_are_refused() -> None:
    with pytest.raises(InputError, match=r"`split` 'site' must name at least 3 groups.* Got 2"):
        split_rows(GroupSplit("site"), table(site=["a", "b"] * 50), labelled(), 0)
    with pytest.raises(InputError, match=r"a group in every labelled row\. Data row 2 has none"):
        split_rows(GroupSplit("site"), table(site=["a", None, "b", "c"] * 25), labelled(), 0)
    with pytest.raises(InputError, match=r"`split` must .* no column 'site'"):
        split_rows(GroupSplit("site"), table(), labelled(), 0)


def test_a_split_column_is_read_in_any_case() -> None:
    sides = ["Train", "VAL", "test", "dev", " validation ", "", None, "train"]
    split = split_rows(ColumnSplit("side"), table(side=sides), labelled(8), 0)
    assert_array_equal(split.train, [0, 7])
    assert_array_equal(split.validation, [1, 3, 4])
    assert_array_equal(split.test, [2])
    assert split.notes == ("2 rows without a side left out",)


def test_a_bad_split_column_is_refused() -> None:
    with pytest.raises(InputError, match=r"must hold train, validation or test\. Got 'holdout'"):
        split_rows(ColumnSplit("s"), table(s=["train", "test", "holdout"]), labelled(3), 0)
    with pytest.raises(InputError, match=r"at least one labelled row\. 'validation' got none"):
        split_rows(ColumnSplit("s"), table(s=["train", "test", "test"]), labelled(3), 0)
    with pytest.raises(InputError, match=r"`split` must .* no column 's'"):
        split_rows(ColumnSplit("s"), table(), labelled(), 0)


def test_rules_are_read_from_text() -> None:
    assert parse_split("random") == RandomSplit()
    assert parse_split("column:a:b") == ColumnSplit("a:b")
    assert parse_split("group:site").column == "site"
    assert parse_split("column:side").column == "side"
    assert parse_split("random").column is None


@pytest.mark.parametrize("text", ["", "column", "column:", "groups:a", "randomly", "x" * 1000])
def test_an_unknown_rule_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"`split` must be random, .* column:NAME or group:NAME"):
        parse_split(text)


@pytest.mark.parametrize(
    "text",
    ["a", "", "60/10", "60/10/20", "0/50/50", "100/0/0", "60/10/30/", "6e1/10/30", "-60/80/80"],
)
def test_percentages_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"three percentages above 0 that add up to 100, .* Got"):
        parse_split(f"random:{text}")


def test_percentages_are_those_of_the_rows() -> None:
    assert parse_split("random:62.5/12.5/25") == RandomSplit(0.625, 0.125)


@pytest.mark.parametrize("shares", [(0.0, 0.1), (0.9, 0.1), (0.5, 0.0), (1.2, -0.3)])
def test_shares_that_leave_nothing_are_refused(shares: tuple[float, float]) -> None:
    for rule in (lambda: RandomSplit(*shares), lambda: GroupSplit("g", *shares)):
        with pytest.raises(InputError, match="must be shares above 0"):
            rule()
