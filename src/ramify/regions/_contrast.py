"""Pairs of one group against pairs of two, with what chance would do."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """How much more pairs of one group overlap than pairs of two groups.

    Attributes:
        within: Mean over pairs of one group, and pictures.
        between: Mean over pairs of two groups, and pictures.
        low: Lower end of the 95 % bootstrap interval of within minus between, over pictures.
        high: Upper end.
        p_value: Of the tasks dealt to groups of the same sizes at random, the share whose
            difference is as large (one-sided, the groups themselves counted in). With few tasks
            it cannot be small.
    """

    within: float
    between: float
    low: float
    high: float
    p_value: float

    @property
    def difference(self) -> float:
        """Within minus between."""
        return self.within - self.between


def contrast(
    values: Float[np.ndarray, "image task task"],
    group_of: Int64[np.ndarray, " task"],
    *,
    n_draws: int,
    seed: int,
) -> Contrast | None:
    """Compare pairs within groups with other pairs.

    Args:
        values: Per picture and pair; NaN where unknown.
        group_of: Group of each task; below 0 for a task that is left out.
        n_draws: Of permutations and of the bootstrap.
        seed: Of the draws.

    Returns:
        None if either sort has no known pair.
    """
    used = np.flatnonzero(group_of >= 0)
    values, labels = values[:, used][:, :, used], group_of[used]
    a, b = np.triu_indices(len(used), 1)
    pairs = values[:, a, b]  # (image, pair)
    known = np.isfinite(pairs)
    sums, counts = np.where(known, pairs, 0.0), known.astype(np.float64)
    together = labels[a] == labels[b]
    inside = _mean(sums[:, together], counts[:, together])
    outside = _mean(sums[:, ~together], counts[:, ~together])
    if inside is None or outside is None:
        return None
    rng = np.random.default_rng(seed)
    low, high = _interval(sums, counts, together, n_draws, rng)
    totals = (sums.sum(axis=0), counts.sum(axis=0))
    dealt = _dealt(totals, labels, (a, b), n_draws, rng)
    as_large = int((dealt >= inside - outside - 1e-12).sum())
    return Contrast(inside, outside, low, high, (1 + as_large) / (1 + len(dealt)))


def _mean(sums: Array, counts: Array) -> float | None:
    n = counts.sum()
    return float(sums.sum() / n) if n else None


def _interval(
    sums: Array,
    counts: Array,
    together: NDArray[np.bool_],
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    per_image = [
        (part[:, side].sum(axis=1)) for side in (together, ~together) for part in (sums, counts)
    ]
    drawn = rng.integers(0, len(sums), (n_draws, len(sums)))
    in_sum, in_count, out_sum, out_count = (part[drawn].sum(axis=1) for part in per_image)
    fine = (in_count > 0) & (out_count > 0)
    differences = in_sum[fine] / in_count[fine] - out_sum[fine] / out_count[fine]
    if not len(differences):  # a picture or two, and what is drawn lacks one sort of pair
        found = per_image[0].sum() / per_image[1].sum() - per_image[2].sum() / per_image[3].sum()
        return float(found), float(found)
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def _dealt(
    totals: tuple[Array, Array],
    labels: NDArray[np.int64],
    pair: tuple[NDArray[np.int64], NDArray[np.int64]],
    n_draws: int,
    rng: np.random.Generator,
) -> Array:
    """The difference, for tasks dealt to the groups at random."""
    sums, counts = totals
    found = np.full(n_draws, -np.inf)
    for i in range(n_draws):
        mixed = rng.permutation(labels)
        together = mixed[pair[0]] == mixed[pair[1]]
        n_in, n_out = counts[together].sum(), counts[~together].sum()
        if n_in and n_out:
            found[i] = sums[together].sum() / n_in - sums[~together].sum() / n_out
    return found
