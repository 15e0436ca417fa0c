"""The ranks that factors of several tasks' weights need."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ramify._core import InputError, listed, quoted
from ramify.networks.architectures._factors import FORMS, Factors, ranks_for
from ramify.networks.branched import BranchedNetwork, stacked_layers


def ranks_of(
    columns: BranchedNetwork, form: str, *, error: float = 0.2, of_tasks: int | None = None
) -> list[int]:
    """Ranks for every layer that networks' weights need.

    Args:
        columns: One network per task.
        form: ``laf``, ``tucker`` or ``tt``.
        error: Largest relative error of each layer's weights, 0 or more.
        of_tasks: Rank of the task axis, 1 or more; None to find it by the error, too.

    Raises:
        InputError: If an argument is out of range.
    """
    if not error >= 0 or (of_tasks is not None and of_tasks < 1):
        raise InputError(
            f"`error` must be 0 or more and `of_tasks` 1 or more. Got {error} and {of_tasks}"
        )
    every = [layer.weight for layer in stacked_layers(columns)]
    return [rank for w in every for rank in ranks_for(form_named(form), w, error, of_tasks)]


def form_named(name: str) -> type[Factors]:
    """The form of a name.

    Args:
        name: One of `FORMS`.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in FORMS:
        raise InputError(f"`form` must be one of {listed(FORMS)}. Got {quoted(name)}")
    return FORMS[name]


def checked_ranks(ranks: Sequence[int], weight: Tensor, form: str) -> list[int]:
    """Ranks that fit one layer's weights.

    Raises:
        InputError: If there are too few of them, or one is below 1.
    """
    highest = ranks_for(form_named(form), torch.ones_like(weight), 0.0)
    if len(ranks) != len(highest) or min(ranks) < 1:
        raise InputError(
            f"`ranks` must have {len(highest)} numbers of 1 or more for weights of shape "
            f"{tuple(weight.shape)}. Got {list(ranks)}"
        )
    return list(ranks)
