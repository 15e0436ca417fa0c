import io

import pytest
from rich.console import Console

from ramify.report import print_summary

from ._situations import HOSTILE, RECORDS

every_situation = pytest.mark.parametrize("situation", RECORDS)


def printed(situation: str, width: int = 100) -> str:
    paper = io.StringIO()
    print_summary(RECORDS[situation](), Console(file=paper, width=width))
    return paper.getvalue()


@every_situation
@pytest.mark.parametrize("width", [40, 100])
def test_fits_the_screen_and_holds_no_controls(situation: str, width: int) -> None:
    lines = printed(situation, width).split("\n")
    assert all(len(line) <= width and (line.isprintable()) for line in lines)


def test_says_the_verdict_first() -> None:
    assert printed("twelve").startswith("Sharing helped: mean ROC-AUC")


def test_names_are_never_read_as_markup() -> None:
    text = printed("hostile")
    assert "[bold red]rich[/bold red]" in text
    assert HOSTILE[0] in text
    assert "two\\nlines" in text


def test_few_tasks_are_all_in_the_table() -> None:
    table = printed("twelve").split("Test ROC-AUC")[1]
    assert all(task.name in table for task in RECORDS["twelve"]().tasks)
    assert "absent" in table


def test_many_tasks_are_summed_up() -> None:
    text = printed("many")
    assert "Largest gains" in text
    assert "Largest losses" in text
    assert text.count("\n") < 100
