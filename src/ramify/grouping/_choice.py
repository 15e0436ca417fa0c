"""How wide a stage should be, which branches go together, and how clearly the affinity shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from ramify._core import ShapeError, check_count, check_number
from ramify.affinity import branch_affinity
from ramify.grouping._evidence import LEAST_KNOWN, cleaned_affinity, has_evidence, known_share
from ramify.grouping._spectral import Matrix, spectral_embedding, spectral_labelings

UNIT_COST = 1 / 64
MOST_GROUPS = 32

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Option:
    """One way to group branches.

    Attributes:
        groups: Places of the branches in each group.
        separation: L_s, the mean over groups of how far their least alike branches are, in [0, 1].
    """

    groups: Groups
    separation: float

    @property
    def n_groups(self) -> int:
        """Number of groups d."""
        return len(self.groups)

    def cost(self, alpha: float, unit_cost: float) -> float:
        """The cost (d − 1) · unit cost + α · L_s."""
        return (self.n_groups - 1) * unit_cost + alpha * self.separation


@dataclass(frozen=True)
class GroupingChoice:
    """The cheapest option, and all that were compared.

    Attributes:
        groups: Places of the branches in each group.
        options: The best partition found for every number of groups, from 1 upwards.
        known: Share of the pairs of tasks whose affinity is known; below a quarter there is no
            evidence, and one group.
    """

    groups: Groups
    options: tuple[Option, ...]
    known: float = 1.0


def separation_cost(affinity: NDArray[np.float64], groups: Sequence[Sequence[int]]) -> float:
    r"""How far apart the branches are that share a group: L_s in [0, 1], lower is better.

    .. math:: L_s = \frac1d \sum_i \Bigl(1 - \mathrm{mean}_{k \in g_i} \min_{l \in g_i}
              A_b(k, l)\Bigr)

    Args:
        affinity: Of the branches.
        groups: A partition of the branches.

    References:
        Lu et al., CVPR 2017, eq. (8), (9).
    """
    within = [affinity[np.ix_(group, group)].min(axis=1).mean() for group in groups]
    return float(1 - np.mean(within))


def grouping_options(
    affinity: Float[np.ndarray, "task task"],
    branches: Sequence[Sequence[int]] | None = None,
    *,
    max_groups: int | None = None,
    min_groups: int = 1,
    self_affinity: bool = True,
    seed: int = 0,
) -> tuple[Option, ...]:
    """The best partition of the branches for every number of groups.

    All together for one group, each alone for as many groups as branches, and between them the
    spectral proposal of least separation cost. There is no exact minimisation on purpose: over
    all partitions the cost is often least for one giant group and some single branches.

    Args:
        affinity: Of the tasks, in [0, 1]. NaN for a pair never seen, which counts as the mean of the
            rest; where fewer than a quarter of the pairs are known (`known_share`), there is the
            one group of all only, unless more are asked for.
        branches: For each branch, the places of its tasks; by default one branch per task.
        max_groups: At most so many groups; by default as many as branches, 32 at most.
        min_groups: At least so many groups, if there are as many branches.
        self_affinity: Whether a branch's affinity with itself counts in the clustering. It does not
            in scikit-learn's, which the paper's authors call.
        seed: Of the proposals.

    Raises:
        ShapeError: If the affinity is not square.
        InputError: If it holds values outside [0, 1], or a number of groups is below 1.
    """
    check_count("min_groups", min_groups)
    if max_groups is not None:
        check_count("max_groups", max_groups)
    if min_groups == 1 and known_share(affinity) < LEAST_KNOWN:
        max_groups = 1
    return options_of_known(
        cleaned_affinity(affinity), branches, max_groups, min_groups, seed, self_affinity
    )


def options_of_known(
    affinity: NDArray[np.float64],
    branches: Sequence[Sequence[int]] | None,
    max_groups: int | None,
    min_groups: int,
    seed: int,
    self_affinity: bool,
) -> tuple[Option, ...]:
    """`grouping_options` of an affinity that `cleaned_affinity` gave."""
    between = affinity if branches is None else branch_affinity(affinity, branches)
    n = len(between)
    limit = min(n, MOST_GROUPS if max_groups is None else max_groups)
    widths = range(min(min_groups, limit), limit + 1)
    embedding: Matrix = between
    if any(1 < width < n for width in widths):
        embedding = spectral_embedding(between, limit, self_affinity=self_affinity)
    return tuple(_best_option(between, embedding, d, seed) for d in widths)


def choose_grouping(
    affinity: Float[np.ndarray, "task task"],
    branches: Sequence[Sequence[int]] | None = None,
    *,
    alpha: float,
    unit_cost: float = UNIT_COST,
    n_pools: int = 0,
    max_groups: int | None = None,
    self_affinity: bool = True,
    seed: int = 0,
) -> GroupingChoice:
    r"""Choose how many groups, and which, by :math:`(d-1) L_0 2^p + \alpha L_s`.

    Args:
        affinity: Of the tasks, in [0, 1]; NaN for a pair never seen, as for `grouping_options`.
        branches: For each branch, the places of its tasks; by default one branch per task.
        alpha: Weight of separation against width; 0 never divides.
        unit_cost: L_0, the cost of one more branch of a stage.
        n_pools: p, how many stages that halve the resolution stand at or after the stage.
        max_groups: Cap of the width, such as floor(full width / thin width).
        self_affinity: Whether a branch's affinity with itself counts in the clustering. It does not
            in scikit-learn's, which the paper's authors call.
        seed: Of the spectral proposals.

    Returns:
        The cheapest grouping; the narrowest among equals. One group where fewer than a quarter of
        the pairs are known.

    Raises:
        ShapeError: If the affinity is not square.
        InputError: If a number is out of range.

    References:
        Lu et al., CVPR 2017, eq. (7). L_0 = 1/64 as in the authors' code.

    Example:
        >>> import numpy as np
        >>> a = np.full((4, 4), 0.5) + 0.4 * np.kron(np.eye(2), np.ones((2, 2))) + 0.1 * np.eye(4)
        >>> choose_grouping(a, alpha=0.1).groups
        ((0, 1), (2, 3))
    """
    check_number("alpha", alpha)
    check_number("unit_cost", unit_cost, open_end=True)
    check_count("n_pools", n_pools, 0)
    options = grouping_options(
        affinity, branches, max_groups=max_groups, self_affinity=self_affinity, seed=seed
    )
    cheapest = min(options, key=lambda option: option.cost(alpha, unit_cost * 2**n_pools))
    return GroupingChoice(cheapest.groups, options, known_share(affinity))


def clarity(affinity: Float[np.ndarray, "task task"], groups: Sequence[Sequence[int]]) -> float:
    """Mean silhouette of a partition of the tasks, in [−1, 1]; higher is clearer.

    How much nearer a task is to its own group than to the nearest other one, with the distance
    1 − affinity; 0 for a task alone, for a single group, and where the affinity knows fewer than a
    quarter of the pairs.

    Args:
        affinity: Of the tasks, in [0, 1].
        groups: For each group, the places of its tasks.

    Raises:
        ShapeError: If the groups are no partition of the tasks.

    References:
        Rousseeuw. *Silhouettes*, 1987.

    Example:
        >>> import numpy as np
        >>> a = np.full((4, 4), 0.5) + 0.4 * np.kron(np.eye(2), np.ones((2, 2))) + 0.1 * np.eye(4)
        >>> round(clarity(a, [[0, 1], [2, 3]]), 3), clarity(a, [[0, 1, 2, 3]])
        (0.8, 0.0)
    """
    distances = 1 - cleaned_affinity(affinity)
    np.fill_diagonal(distances, 0.0)
    labels = np.full(len(distances), -1)
    for g, group in enumerate(groups):
        labels[list(group)] = g
    if (labels < 0).any() or sum(len(group) for group in groups) != len(labels):
        requirement = f"must hold each of the {len(labels)} tasks exactly once"
        raise ShapeError(requirement, argument="groups")
    if not (1 < len(groups) < len(labels) and has_evidence(affinity)):
        return 0.0
    return float(silhouette_score(distances, labels, metric="precomputed"))


def _best_option(
    affinity: NDArray[np.float64], embedding: Matrix, n_groups: int, seed: int
) -> Option:
    n = len(affinity)
    if n_groups == 1:
        proposals = [np.zeros(n, dtype=np.int64)]
    elif n_groups == n:
        proposals = [np.arange(n)]
    else:
        proposals = list(spectral_labelings(embedding, n_groups, seed))
    options = [_option(affinity, labels) for labels in proposals]
    full = [option for option in options if option.n_groups == n_groups] or options
    return min(full, key=lambda option: option.separation)


def _option(affinity: NDArray[np.float64], labels: NDArray[np.int64]) -> Option:
    groups = tuple(tuple(np.flatnonzero(labels == g).tolist()) for g in np.unique(labels))
    ordered = tuple(sorted(groups))
    return Option(ordered, separation_cost(affinity, ordered))
