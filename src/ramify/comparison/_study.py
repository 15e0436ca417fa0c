"""How much a comparison does, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ramify._core import InputError, checked
from ramify.comparison._optuna_search import OptunaSearch
from ramify.comparison._search import Search
from ramify.weighting import Weighting

# Of many more, starting them ends the process without a word.
_MOST_THREADS: Final = 1024


@checked
@dataclass(frozen=True)
class Study:
    """Seeds, weightings, search and baselines of a comparison; processes and threads decide no result.

    Attributes:
        seeds: Each draws a split, initial weights and an order of the rows.
        weightings: Each way of sharing takes part with each of these, by their names; none for what
            training says, see `crossed`.
        n_trials: Settings to try for each method and seed beside those given.
        search: Says which.
        processes: How many runs at a time; None for what joblib is set to.
        threads: Threads of each run.

    Raises:
        InputError: If there is no seed, one is given twice, or a number is out of range.
    """

    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    weightings: Mapping[str, Weighting] = field(default_factory=dict)
    n_trials: int = 0
    search: Search = field(default_factory=OptunaSearch)
    processes: int | None = 1
    threads: int = 1

    def __post_init__(self) -> None:
        """Check every number."""
        if not self.seeds:
            raise InputError("`seeds` must be 1 or more. Got 0")
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise InputError(
                f"`seeds` must be different numbers, each 0 or more. Got {list(self.seeds)}"
            )
        if self.n_trials < 0:
            raise InputError(f"`search` must be 0 or more. Got {self.n_trials}")
        if self.threads < 1:
            raise InputError(f"`threads` must be 1 or more. Got {self.threads}")
        if self.threads > _MOST_THREADS:
            raise InputError(f"`threads` must be at most {_MOST_THREADS}. Got {self.threads}")
        # joblib counts on, -2 for all cores but one; -1 is what there is a use for.
        if self.processes is not None and self.processes < 1 and self.processes != -1:
            raise InputError(
                f"`processes` must be 1 or more, or -1 for one per core. Got {self.processes}"
            )
