"""Which filters of a layer stand best for all of them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify._core import InputError, ShapeError

SPANNED = 1e-12  # squared length that is left of a filter, over its squared length
TIE = 1e-9  # scores this close, relative to the best, count as equal
_ROWS = 1024


def somp(
    filters: Float[Tensor, "filter weight"],
    n_select: int,
    *,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " selected"]:
    r"""Select filters whose span comes close to all filters, by simultaneous matching pursuit.

    .. math:: \min_{A, \omega} \lVert W - A W_\omega \rVert_F, \quad |\omega| = n

    is solved greedily: the next filter is the one that explains most of what the selected ones
    leave, :math:`\arg\max_j \lVert R\, w_j \rVert_2 / \lVert w_j \rVert_2` with the residual
    :math:`R = W - A W_\omega`. The first index wins ties (scores that differ by less than 1e-9 of
    the best). Once the selected filters span all others (to 1e-6 of their length), the remaining
    places go to unused filters at random. *A* is not returned: the thin layer gets the selected
    filters as they are.

    One product of all filters with each other, in double precision, is followed by a rank-one
    update per selected filter, in the manner of a pivoted Cholesky factorisation: of the order
    of :math:`N^2 F + n N^2` operations for *N* filters of *F* weights, and 16 bytes times
    :math:`N^2`.

    Args:
        filters: One filter per row.
        n_select: How many to select.
        generator: For the places that are left when the filters are exhausted; by default
            PyTorch's own.

    Returns:
        Indices of filters, in the order of selection.

    Raises:
        InputError: If `n_select` is not between 1 and the number of filters, or a weight is not
            finite.
        ShapeError: If `filters` has other than two axes.

    References:
        Lu et al., CVPR 2017, section 3.1. Tropp, Gilbert, Strauss. *Algorithms for simultaneous
        sparse approximation*, Signal Processing 86, 2006.

    Example:
        >>> import torch
        >>> filters = torch.tensor([[0.0, 1.0], [3.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
        >>> somp(filters, 2).tolist()
        [1, 0]
    """
    if filters.ndim != 2:
        raise ShapeError(
            "`filters` must have one row per filter, (filter, weight). "
            f"Got {tuple(filters.shape)}; flatten(1) turns a convolution's weight into that"
        )
    if not 1 <= n_select <= len(filters):
        raise InputError(f"`n_select` must be from 1 to {len(filters)}. Got {n_select}")
    if not filters.isfinite().all():
        raise InputError("`filters` must be finite. Got NaN or infinity; load the weights again")
    left = _gram(filters.detach())
    squares = left.diagonal().clone()
    free = squares > 0
    selected: list[int] = []
    while len(selected) < n_select:
        free &= left.diagonal() > SPANNED * squares
        if not free.any():
            break
        score = torch.where(free, left.norm(dim=1) / squares.sqrt(), -1)
        best = int((score >= (1 - TIE) * score.max()).int().argmax())
        column = left[best] / left[best, best].sqrt()
        left.addr_(column, column, alpha=-1)
        # What rounding leaves of a long filter would drown short ones.
        left[best] = left[:, best] = 0
        free[best] = False
        selected.append(best)
    return _filled(selected, len(filters), n_select, generator).to(filters.device)


def _gram(filters: Tensor) -> Tensor:
    """All inner products in double precision; one triangle is computed, the other mirrored."""
    wide = filters.double()
    n = len(wide)
    gram = torch.empty(n, n, dtype=wide.dtype, device=wide.device)
    for start in range(0, n, _ROWS):
        stop = start + _ROWS
        block = wide[start:stop] @ wide[start:].T
        gram[start:stop, start:] = block
        gram[start:, start:stop] = block.T
    return gram


def _filled(
    selected: list[int], n: int, n_select: int, generator: torch.Generator | None
) -> Tensor:
    """The selection, with unused indices drawn at random for the places that are left."""
    missing = n_select - len(selected)
    if missing == 0:
        return torch.tensor(selected)
    used = set(selected)
    unused = torch.tensor([i for i in range(n) if i not in used])
    drawn = unused[torch.randperm(len(unused), generator=generator)[:missing]]
    return torch.cat([torch.tensor(selected, dtype=drawn.dtype), drawn])
