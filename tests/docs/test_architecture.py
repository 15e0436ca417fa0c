"""The page on the architecture is as the sources are."""

import pytest
from tests.docs.architecture import ADDITIONS, PACKAGE, PAGE, Addition, floors, made, rooms


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert made(text) == text, "run `make architecture`"


def test_rooms_import_downwards() -> None:
    above: set[str] = set()
    for floor in floors(rooms()):
        for name in floor:
            assert rooms()[name].isdisjoint(above | set(floor))
        above |= set(floor)


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda each: each.what)
def test_an_addition_touches_few_files(addition: Addition) -> None:
    own, *others = addition.files()
    text = (PACKAGE / own).read_text(encoding="utf-8")
    assert addition.names[0] in text
    assert 1 <= len(others) < addition.most
