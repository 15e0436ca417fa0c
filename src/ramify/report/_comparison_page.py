"""One self-contained HTML page of a comparison, in the look of the report of a run."""

from pathlib import Path

from markupsafe import Markup

from ramify._core import write_atomically
from ramify.records import ComparisonRecord
from ramify.report._comparison import skill
from ramify.report._data_view import data_picture
from ramify.report._leaderboard_view import leaderboard
from ramify.report._method_tasks_view import loss_table, task_tables
from ramify.report._method_words import recommendation, remarks
from ramify.report._pareto_view import pareto_pictures
from ramify.report._templates import asset, environment, script_hash
from ramify.report._weighting_view import weighting_table

_SCRIPTS = ("sort.js", "tips.js")
_STYLES = ("style.css", "comparison.css")


def render_comparison(record: ComparisonRecord) -> str:
    """Draw a comparison as one HTML page that needs no network and no other file.

    Args:
        record: What the comparison did and found.

    Returns:
        The page. The same record always gives the same page.
    """
    script = "\n".join(asset(name) for name in _SCRIPTS)
    what = skill(record)
    return (
        environment()
        .get_template("comparison.html")
        .render(
            record=record,
            advice=recommendation(record),
            remarks=remarks(record),
            skill=what,
            board=leaderboard(record),
            pictures=pareto_pictures(record, what),
            tables=task_tables(record),
            losses=loss_table(record),
            weightings=weighting_table(record),
            data=data_picture(record.data),
            style=Markup("\n".join(asset(name) for name in _STYLES)),
            script=Markup(script),
            script_hash=script_hash(script),
        )
    )


def write_comparison(record: ComparisonRecord, path: Path) -> None:
    """Write the page of a comparison, whole or not at all.

    Args:
        record: What the comparison did and found.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render_comparison(record))
