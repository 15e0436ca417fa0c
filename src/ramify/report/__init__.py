"""What a run found, for people: a verdict, an HTML page, and a summary for the terminal.

The room reads a `RunRecord` and nothing else; it never trains, and never needs torch.
"""

from ramify.report._page import render, write_report
from ramify.report._terminal import print_summary
from ramify.report._verdict import verdict

__all__ = ["print_summary", "render", "verdict", "write_report"]
