"""Bad pictures and options of pictures: exit code 2, one line, and no file changed; or it works."""

from pathlib import Path

import pytest
from tests.bad_input._case import Case, faults
from tests.bad_input._pictures import PICTURES


@pytest.mark.parametrize("case", PICTURES, ids=lambda case: f"{case.part}: {case.name}")
def test_it_is_one_line_or_works(case: Case, pictures: Path, tmp_path: Path) -> None:
    assert faults(case, pictures, tmp_path / "copy") == []
