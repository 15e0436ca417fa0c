"""Where units stand, and how they belong to rows, against plain loops."""

import pytest
import torch
from torch.testing import assert_close

from ramify.data import Units
from ramify.tasks import ROW, TOKEN, Binary, Ranking, Task, TaskSet

EVERY = [Units(3, (4,), True), Units(3, (4,), False), Units(2, (2, 3), True), Units(2, (0,), True)]
every_one = pytest.mark.parametrize("units", EVERY, ids=str)


@every_one
def test_the_row_of_every_unit(units: Units) -> None:
    expected = list(range(units.n_rows)) if units.has_rows else []
    for row in range(units.n_rows):
        expected += [row] * units.n_positions
    assert units.row_of_unit().tolist() == expected
    assert len(expected) == units.n_units


@every_one
def test_lines_go_together_and_apart_again(units: Units) -> None:
    rows = torch.randn(units.n_rows, 2)
    positions = torch.randn(units.n_rows, *units.sizes, 2)
    lines = units.joined(rows, positions)
    assert len(lines) == units.n_units
    own, inside = units.apart(lines)
    assert torch.equal(inside, positions.flatten(1, -2))
    if units.has_rows:
        assert own is not None
        assert torch.equal(own, rows)
    else:
        assert own is None


@every_one
def test_means_by_row_are_those_of_the_units_that_count(units: Units) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(units.n_units, 3, generator=generator)
    mask = torch.rand(units.n_units, 3, generator=generator) < 0.4
    values[~mask] = float("nan")  # anything may stand there
    means, has = units.by_row(values, mask)
    row_of_unit = units.row_of_unit()
    for row in range(units.n_rows):
        for task in range(3):
            chosen = (row_of_unit == row) & mask[:, task]
            assert bool(has[row, task]) == bool(chosen.any())
            if chosen.any():
                assert_close(means[row, task], values[chosen, task].mean())
    assert torch.equal(has, units.any_by_row(mask))
    assert means.isfinite().all()


def tasks_of(*units: str) -> TaskSet:
    """Tasks that put units in order, and one that does not."""
    kinds = {"row": ROW, "token": TOKEN}
    ordered = [Task(f"{i}", Ranking(), unit=kinds[unit]) for i, unit in enumerate(units)]
    return TaskSet([*ordered, Task("plain", Binary(), unit=TOKEN)])


def numbers(found: torch.Tensor) -> list[int]:
    return found.tolist()


@pytest.mark.parametrize("ordered", [("row",), ("token",), ("row", "token")])
def test_rows_are_compared_within_groups_and_positions_within_rows(
    ordered: tuple[str, ...],
) -> None:
    units = Units(4, (3,), has_rows=True)
    groups = torch.tensor([7, 5, 7, 9])
    found = units.compared(groups, tasks_of(*ordered))
    rows = units.row_of_unit()
    for one in range(units.n_units):
        for two in range(one):
            both_rows, both_inside = one < 4, two >= 4
            same = (both_rows and "row" in ordered and groups[one] == groups[two]) or (
                both_inside and "token" in ordered and rows[one] == rows[two]
            )
            assert bool(found[one] == found[two]) == bool(same)


def test_without_groups_all_rows_are_one() -> None:
    found = numbers(Units(3, (2,), has_rows=True).compared(None, tasks_of("row")))
    assert len({*found[:3]}) == 1
    assert len({*found}) == 1 + 6
