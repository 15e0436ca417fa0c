"""``ramify report``: the HTML again, from the record."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify.records import RECORD_FILE, RunRecord
from ramify.report import REPORT_FILE, write_report


def report(directory: Path) -> None:
    """Write the HTML report of a run again, from its record.

    Args:
        directory: What ramify fit wrote.
    """
    record = RunRecord.load(directory / RECORD_FILE)
    write_report(record, directory / REPORT_FILE)
    Console().print(f"Report: {escape(str(directory / REPORT_FILE))}", soft_wrap=True)
