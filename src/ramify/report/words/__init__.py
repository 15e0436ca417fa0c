"""Sentences and numbers as people read them."""

from ramify.report.words._comparison import (
    Outcome,
    by_task,
    is_clear,
    means,
    outcome,
    outcome_of,
    skill,
)
from ramify.report.words._method_words import is_network, recommendation, remarks
from ramify.report.words._model_label import ours, shows_tree, unit_of
from ramify.report.words._regrouping_words import changed, regrouped, unjudged
from ramify.report.words._verdict import sentences, verdict
from ramify.report.words._words import (
    METRICS,
    MINUS,
    NETWORKS,
    cited,
    duration,
    enumerated,
    interval,
    large,
    number,
    percent,
    shown,
    signed,
)

__all__ = [
    "METRICS",
    "MINUS",
    "NETWORKS",
    "Outcome",
    "by_task",
    "changed",
    "cited",
    "duration",
    "enumerated",
    "interval",
    "is_clear",
    "is_network",
    "large",
    "means",
    "number",
    "ours",
    "outcome",
    "outcome_of",
    "percent",
    "recommendation",
    "regrouped",
    "remarks",
    "sentences",
    "shown",
    "shows_tree",
    "signed",
    "skill",
    "unit_of",
    "unjudged",
    "verdict",
]
