"""What a run found, for people: a verdict, an HTML page, and a summary for the terminal.

The room reads records and nothing else; it never trains, and never needs torch.
"""

from ramify.report._pages import (
    REPORT_FILE,
    render,
    render_comparison,
    render_grouping,
    render_regions,
    write_comparison,
    write_grouping,
    write_regions,
    write_report,
)
from ramify.report.views import print_comparison, print_grouping, print_summary, region_sentences
from ramify.report.words import recommendation, verdict

__all__ = [
    "REPORT_FILE",
    "print_comparison",
    "print_grouping",
    "print_summary",
    "recommendation",
    "region_sentences",
    "render",
    "render_comparison",
    "render_grouping",
    "render_regions",
    "verdict",
    "write_comparison",
    "write_grouping",
    "write_regions",
    "write_report",
]
