"""The same data, splits and seeds for several ways of sharing, side by side.

`compare` does it from Python; ``ramify compare`` from the command line. One network per task, one
shared network, and two baselines of scikit-learn always take part. A search tries further settings
of training, as many for each; the extra ``ramify[search]`` brings Optuna, which proposes them.
"""

from ramify.comparison._compare import compare, compare_table
from ramify.comparison._comparison import Comparison
from ramify.comparison._contender import ALWAYS, BETWEEN, Contender
from ramify.comparison._directory import COMPARISON_FILE, COMPARISON_PAGE
from ramify.comparison._optuna_search import OptunaSearch
from ramify.comparison._schedule import Progress
from ramify.comparison._search import Search, Span, Tried
from ramify.comparison._statistics import paired_gain, paired_gains
from ramify.comparison._study import Study

__all__ = [
    "ALWAYS",
    "BETWEEN",
    "COMPARISON_FILE",
    "COMPARISON_PAGE",
    "Comparison",
    "Contender",
    "OptunaSearch",
    "Progress",
    "Search",
    "Span",
    "Study",
    "Tried",
    "compare",
    "compare_table",
    "paired_gain",
    "paired_gains",
]
