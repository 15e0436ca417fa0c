"""Tables as people have them: each is read right, or refused in one line that says what to do."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ramify._core import InputError
from ramify.data import TableReading, open_table


def loaded() -> ModuleType:
    """The script that knows the tables; its own run fits and predicts them, too."""
    path = Path(__file__).resolve().parents[4] / "benchmarks" / "messy_tables.py"
    spec = importlib.util.spec_from_file_location("messy_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["messy_tables"] = module  # where dataclasses look for their types
    spec.loader.exec_module(module)
    return module


MESSY = loaded()
SAMPLE = MESSY.CASES[1::3]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_a_messy_table_is_read_right_or_refused_in_one_line(case: Any, tmp_path: Path) -> None:  # noqa: ANN401
    assert MESSY.faults(case, tmp_path, learn=False) == []


@pytest.mark.parametrize("name", ["semicolons and decimal commas", "dates mm/dd/yyyy"])
def test_new_rows_are_read_as_those_that_were_learned(name: str, tmp_path: Path) -> None:
    [case] = [each for each in MESSY.CASES if each.name == name]
    assert MESSY.faults(case, tmp_path) == []


def test_a_damaged_workbook_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"no workbook")
    with pytest.raises(InputError, match="cannot be read as a table") as caught:
        open_table(tmp_path / "t.xlsx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"separator": ",;"}, "`separator` must be one character, or tab. Got ',;'"),
        ({"decimal": "x"}, "`decimal` must be . or ,. Got 'x'"),
        ({"encoding": "klingon"}, "`encoding` must be an encoding that Python knows"),
        ({"dates": "dmy"}, "`dates` must be day-first or month-first. Got 'dmy'"),
    ],
)
def test_how_a_table_is_written_is_checked(reading: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        TableReading(**reading)
    assert words in str(caught.value)
