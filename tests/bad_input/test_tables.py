"""Bad tables, options and files: exit code 2, one line, and no file changed; or it works."""

from pathlib import Path

import pytest
from tests.bad_input._case import Case, faults
from tests.bad_input._tables import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.part}: {case.name}")
def test_it_is_one_line_or_works(case: Case, tables: Path, tmp_path: Path) -> None:
    assert faults(case, tables, tmp_path / "copy") == []
