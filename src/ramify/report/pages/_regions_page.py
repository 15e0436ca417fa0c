"""One self-contained HTML page of what tasks look at."""

from pathlib import Path

from markupsafe import Markup

from ramify._core import write_atomically
from ramify.records import RegionsRecord
from ramify.report.pages._templates import asset, environment
from ramify.report.views import regions_view

_STYLES = ("style.css", "regrouping.css", "regions.css")


def render_regions(record: RegionsRecord) -> str:
    """Draw regions as one HTML page that needs no network, no script and no other file.

    Args:
        record: What the tasks look at.

    Returns:
        The page. The same record always gives the same page.
    """
    return (
        environment()
        .get_template("regions.html")
        .render(
            record=record,
            view=regions_view(record),
            style=Markup("\n".join(asset(name) for name in _STYLES)),
        )
    )


def write_regions(record: RegionsRecord, path: Path) -> None:
    """Write the page of regions, whole or not at all.

    Args:
        record: What the tasks look at.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render_regions(record))
