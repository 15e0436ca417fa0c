"""What one more branch of each stage costs in the choice of a tree, and how many there may be."""

from collections.abc import Sequence

from ramify._core import InputError
from ramify.grouping import StageCost
from ramify.networks import BranchedNetwork


def widening_costs(
    network: BranchedNetwork,
    unit_cost: float,
    max_widths: Sequence[int] | None,
    *,
    by_size: bool,
) -> list[StageCost]:
    r"""Cost of a branch and cap of the width of each stage, from input to output.

    The paper's cost is :math:`L_0 \cdot 2^p`: it doubles with every pool at the stage or after it,
    as features towards the input are larger. By size it is :math:`L_0` times the parameters of the
    stage over those of the smallest.

    Args:
        network: Tells pools and sizes.
        unit_cost: L_0.
        max_widths: At most so many branches of each stage; None for no cap of one's own.
        by_size: Whether to go by parameters.

    Raises:
        InputError: If there is not one cap per stage.

    References:
        Lu et al., CVPR 2017, eq. (7).
    """
    n_stages = network.tree.n_stages
    if max_widths is not None and len(max_widths) != n_stages:
        raise InputError(
            f"`max_widths` must have one number per stage of the backbone, {n_stages}. "
            f"Got {len(max_widths)}"
        )
    caps: Sequence[int | None] = [None] * n_stages if max_widths is None else max_widths
    units = [unit_cost * factor for factor in _factors(network, by_size=by_size)]
    return [StageCost(unit, cap) for unit, cap in zip(units, caps, strict=True)]


def width_caps(full: Sequence[int], thin: Sequence[int]) -> list[int]:
    """How often a thin stage fits into the full one: the most branches that it may have.

    Args:
        full: Channels or units of each stage of the full network.
        thin: The same of the thin network.

    Raises:
        InputError: If there are not as many of both.

    References:
        Lu et al., CVPR 2017, section 3.2.

    Example:
        >>> width_caps([64, 512, 4096], [32, 32, 64])
        [2, 16, 64]
    """
    if len(full) != len(thin):
        raise InputError(
            f"`thin` must have one width per stage of the full network, {len(full)}. "
            f"Got {len(thin)}"
        )
    return [max(1, wide // narrow) for wide, narrow in zip(full, thin, strict=True)]


def _factors(network: BranchedNetwork, *, by_size: bool) -> list[float]:
    if not by_size:
        return [2.0**p for p in network.n_pools()]
    sizes = network.stage_sizes()
    smallest = max(1, min(sizes))
    return [max(1, size) / smallest for size in sizes]
