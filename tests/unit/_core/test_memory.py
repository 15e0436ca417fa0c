from pathlib import Path

import pytest

from ramify._core import _memory, machine_memory


def test_this_machine_has_some() -> None:
    assert (machine_memory() or 0) > 2**28


@pytest.mark.parametrize(("written", "expected"), [("123456\n", 123456), ("max\n", None)])
def test_the_limit_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, expected: int | None
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(written)
    monkeypatch.setattr(_memory, "_LIMITS", (file, tmp_path / "absent"))
    without = machine_memory() if expected is None else expected
    assert machine_memory() == without
    monkeypatch.delattr("os.sysconf")
    assert machine_memory() == expected
