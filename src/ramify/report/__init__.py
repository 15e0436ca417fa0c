"""What a run found, for people: a verdict, an HTML page, and a summary for the terminal.

The room reads records and nothing else; it never trains, and never needs torch.
"""

from ramify.report._comparison_page import render_comparison, write_comparison
from ramify.report._comparison_terminal import print_comparison
from ramify.report._method_words import recommendation
from ramify.report._page import render, write_report
from ramify.report._regions_page import render_regions, write_regions
from ramify.report._regions_view import region_sentences
from ramify.report._terminal import print_summary
from ramify.report._verdict import verdict

__all__ = [
    "print_comparison",
    "print_summary",
    "recommendation",
    "region_sentences",
    "render",
    "render_comparison",
    "render_regions",
    "verdict",
    "write_comparison",
    "write_regions",
    "write_report",
]
