"""The templates of the pages, their style and scripts, and the words that they may use."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from ramify.report.words import _numbers, _words


@cache
def environment() -> Environment:
    """The templates; everything that passes through them is escaped."""
    found = Environment(
        loader=PackageLoader("ramify.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = (_words.shown, _words.whole, _words.setting, _words.moment)
    counts = (_numbers.number, _numbers.signed, _numbers.percent, _numbers.interval)
    sizes = (_numbers.large, _numbers.duration)
    found.filters |= {word.__name__: word for word in (*names, *counts, *sizes)}
    return found


@cache
def asset(name: str) -> str:
    """The text of a style sheet or script."""
    return (files("ramify.report") / "templates" / name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """The word by which a page's policy allows one script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
