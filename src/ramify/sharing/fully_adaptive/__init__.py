"""Fully-adaptive sharing: a thin network widens into a tree of branches as it trains."""

from ramify.sharing.fully_adaptive._fully_adaptive import FullyAdaptive
from ramify.sharing.fully_adaptive._widening_costs import width_caps

__all__ = [
    "FullyAdaptive",
    "width_caps",
]
