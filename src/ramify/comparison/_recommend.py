"""What to take, by validation rows alone."""

from collections.abc import Mapping, Sequence

from ramify.comparison._statistics import mean_of, standard_error
from ramify.records import Recommendation


def recommended(
    validation: Mapping[str, Sequence[float]], sizes: Mapping[str, float], overlap: float
) -> Recommendation | None:
    """The smallest of the methods that validation rows cannot tell from the best.

    A method cannot be told from the best if its mean over seeds is lower by no more than one
    standard error of the paired difference. Nodes of a forest count like trainable numbers.

    Args:
        validation: Mean validation skill of each method that finished every seed, per seed.
        sizes: Numbers that each holds.
        overlap: As for `paired_gain`.

    Returns:
        None if no method has a validation score.
    """
    means = {name: mean_of(values) for name, values in validation.items()}
    known = {name: mean for name, mean in sorted(means.items()) if mean is not None}
    if not known:
        return None
    best = max(known, key=lambda name: (known[name], -sizes[name]))
    tied = [
        name
        for name in known
        if known[best] - known[name] <= _error(validation[best], validation[name], overlap)
    ]
    chosen = min(tied, key=lambda name: (sizes[name], -known[name]))
    return Recommendation(method=chosen, best=best, tied=tied)


def _error(best: Sequence[float], other: Sequence[float], overlap: float) -> float:
    differences = [a - b for a, b in zip(best, other, strict=True)]
    return standard_error(differences, overlap) or 0.0
