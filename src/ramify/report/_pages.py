"""Self-contained HTML pages: the views, poured into the templates, with style and scripts.

The charts are SVG drawn by the templates, and the heat map a canvas drawn by 150 lines of script:
plotly.js would add 4.8 MB to every report for the same hovering and zooming, reads some HTML in
labels, and shows nothing where scripts are off. Here names only ever pass through jinja2's
escaping or `textContent`, and a policy in the page's head forbids any other script or request.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ramify._core import write_atomically
from ramify.records import ComparisonRecord, GroupingRecord, RegionsRecord, RunRecord
from ramify.report.views import (
    baseline_table,
    curves,
    data_picture,
    example_leaves,
    grouping_view,
    heat,
    leaderboard,
    loss_table,
    overall_table,
    pareto_pictures,
    path_picture,
    regions_view,
    score_tables,
    selective_picture,
    task_tables,
    tree_picture,
    weighting_table,
)
from ramify.report.words import (
    _words,
    ours,
    recommendation,
    remarks,
    sentences,
    shows_tree,
    skill,
    unit_of,
)

REPORT_FILE = "report.html"


def render(record: RunRecord) -> str:
    """Draw a run as one HTML page that needs no network and no other file.

    Args:
        record: What the run did and found.

    Returns:
        The page. The same record always gives the same page.
    """
    return _filled(
        "page.html",
        ("style.css", "regrouping.css"),
        ("heat.js", "sort.js", "tips.js"),
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
    )


def write_report(record: RunRecord, path: Path) -> None:
    """Write the page of a run, whole or not at all.

    Args:
        record: What the run did and found.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render(record))


def render_comparison(record: ComparisonRecord) -> str:
    """Draw a comparison as one HTML page that needs no network and no other file.

    Args:
        record: What the comparison did and found.

    Returns:
        The page. The same record always gives the same page.
    """
    what = skill(record)
    return _filled(
        "comparison.html",
        ("style.css", "comparison.css"),
        ("sort.js", "tips.js"),
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
    )


def write_comparison(record: ComparisonRecord, path: Path) -> None:
    """Write the page of a comparison, whole or not at all.

    Args:
        record: What the comparison did and found.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render_comparison(record))


def render_grouping(record: GroupingRecord) -> str:
    """Draw groups as one HTML page that needs no network and no other file.

    Args:
        record: What was found by trial.

    Returns:
        The page. The same record always gives the same page.
    """
    return _filled(
        "grouping.html",
        ("style.css", "regrouping.css", "grouping.css"),
        ("sort.js", "tips.js"),
        record=record,
        view=grouping_view(record),
    )


def write_grouping(record: GroupingRecord, path: Path) -> None:
    """Write the page of groups, whole or not at all.

    Args:
        record: What was found by trial.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render_grouping(record))


def render_regions(record: RegionsRecord) -> str:
    """Draw regions as one HTML page that needs no network, no script and no other file.

    Args:
        record: What the tasks look at.

    Returns:
        The page. The same record always gives the same page.
    """
    return _filled(
        "regions.html",
        ("style.css", "regrouping.css", "regions.css"),
        (),
        record=record,
        view=regions_view(record),
    )


def write_regions(record: RegionsRecord, path: Path) -> None:
    """Write the page of regions, whole or not at all.

    Args:
        record: What the tasks look at.
        path: The HTML file; replaced if it exists.
    """
    write_atomically(path, render_regions(record))


def _filled(template: str, styles: Sequence[str], scripts: Sequence[str], **views: object) -> str:
    """A page of a template; the script's digest is the word by which its policy allows it."""
    script = "\n".join(_asset(name) for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup("\n".join(_asset(name) for name in styles)),
            script=Markup(script),
            script_hash=f"sha256-{digest}",
            **views,
        )
    )


@cache
def _environment() -> Environment:
    """The templates; everything that passes through them is escaped."""
    found = Environment(
        loader=PackageLoader("ramify.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = (_words.shown, _words.whole, _words.setting, _words.moment)
    counts = (_words.number, _words.signed, _words.percent, _words.interval)
    sizes = (_words.large, _words.duration)
    found.filters |= {word.__name__: word for word in (*names, *counts, *sizes)}
    return found


@cache
def _asset(name: str) -> str:
    """The text of a style sheet or script."""
    return (files("ramify.report") / "templates" / name).read_text(encoding="utf-8")
