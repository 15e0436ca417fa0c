"""One self-contained HTML page: the views, poured into the templates.

The charts are SVG drawn by the templates, and the heat map a canvas drawn by 150 lines of script:
plotly.js would add 4.8 MB to every report for the same hovering and zooming, reads some HTML in
labels, and shows nothing where scripts are off. Here names only ever pass through jinja2's
escaping or `textContent`, and a policy in the page's head forbids any other script or request.
"""

from pathlib import Path

from markupsafe import Markup

from ramify._core import write_atomically
from ramify.records import RunRecord
from ramify.report.pages._templates import asset, environment, script_hash
from ramify.report.views import (
    baseline_table,
    curves,
    data_picture,
    example_leaves,
    heat,
    overall_table,
    path_picture,
    score_tables,
    selective_picture,
    tree_picture,
)
from ramify.report.words import ours, sentences, shows_tree, skill, unit_of

REPORT_FILE = "report.html"
_SCRIPTS = ("heat.js", "sort.js", "tips.js")
_STYLES = ("style.css", "regrouping.css")


def render(record: RunRecord) -> str:
    """Draw a run as one HTML page that needs no network and no other file.

    Args:
        record: What the run did and found.

    Returns:
        The page. The same record always gives the same page.
    """
    script = "\n".join(asset(name) for name in _SCRIPTS)
    return (
        environment()
        .get_template("page.html")
        .render(
            record=record,
            sentences=sentences(record),
            subject=ours(record),
            ours=ours(record).name,
            unit=unit_of(record.sharing.structure),
            skill=skill(record),
            tree=tree_picture(record.tree.stages) if shows_tree(record) else None,
            baseline_table=baseline_table(record),
            tables=score_tables(record),
            overall=overall_table(record),
            leaves=example_leaves(record),
            selective=selective_picture(record.regroupings),
            heat=heat(record),
            path=path_picture(record.path),
            curves=curves(record.curves),
            data=data_picture(record.data),
            style=Markup("\n".join(asset(name) for name in _STYLES)),
            script=Markup(script),
            script_hash=script_hash(script),
        )
    )


def write_report(record: RunRecord, path: Path) -> None:
    """Write the page of a run, whole or not at all.

    Args:
        record: What the run did and found.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render(record))
