"""The parts of a page and of the summary in the terminal, from a record."""

from ramify.report.views._baseline_view import baseline_table
from ramify.report.views._comparison_terminal import print_comparison
from ramify.report.views._curve_view import curves
from ramify.report.views._data_view import data_picture, example_leaves
from ramify.report.views._grouping_view import grouping_view, print_grouping
from ramify.report.views._heat_view import heat
from ramify.report.views._leaderboard_view import leaderboard
from ramify.report.views._method_tasks_view import loss_table, task_tables
from ramify.report.views._pareto_view import pareto_pictures
from ramify.report.views._path_view import path_picture
from ramify.report.views._regions_view import region_sentences, regions_view
from ramify.report.views._regrouping_view import selective_picture
from ramify.report.views._score_view import overall_table, score_tables
from ramify.report.views._terminal import print_summary
from ramify.report.views._tree_view import tree_picture
from ramify.report.views._weighting_view import weighting_table

__all__ = [
    "baseline_table",
    "curves",
    "data_picture",
    "example_leaves",
    "grouping_view",
    "heat",
    "leaderboard",
    "loss_table",
    "overall_table",
    "pareto_pictures",
    "path_picture",
    "print_comparison",
    "print_grouping",
    "print_summary",
    "region_sentences",
    "regions_view",
    "score_tables",
    "selective_picture",
    "task_tables",
    "tree_picture",
    "weighting_table",
]
