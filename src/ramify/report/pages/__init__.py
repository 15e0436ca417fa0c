"""Whole pages of HTML."""

from ramify.report.pages._comparison_page import render_comparison, write_comparison
from ramify.report.pages._page import REPORT_FILE, render, write_report
from ramify.report.pages._regions_page import render_regions, write_regions

__all__ = [
    "REPORT_FILE",
    "render",
    "render_comparison",
    "render_regions",
    "write_comparison",
    "write_regions",
    "write_report",
]
