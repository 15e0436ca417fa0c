"""Tables that come with the package: molecules of Tox21, and made ones whose groups are known."""

from ramify.data.bundled._planted import planted_table
from ramify.data.bundled._tox21 import TOX21_TARGETS, load_tox21

__all__ = [
    "TOX21_TARGETS",
    "load_tox21",
    "planted_table",
]
