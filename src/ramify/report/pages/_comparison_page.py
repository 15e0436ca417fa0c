"""One self-contained HTML page of a comparison, in the look of the report of a run."""

from pathlib import Path

from markupsafe import Markup

from ramify._core import write_atomically
from ramify.records import ComparisonRecord
from ramify.report.pages._templates import asset, environment, script_hash
from ramify.report.views import (
    data_picture,
    leaderboard,
    loss_table,
    pareto_pictures,
    task_tables,
    weighting_table,
)
from ramify.report.words import recommendation, remarks, skill

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
