"""A backbone as an ordered list of stages, each of which can be shared or divided."""

from collections.abc import Iterable, Sequence
from math import log2, prod

from torch import Tensor, nn

from ramify._core import InputError
from ramify.tasks import ROW, Unit


class Residual(nn.Module):
    """x + inner(x): starts near the identity, so that depth does not hurt.

    Args:
        inner: A module whose output has the shape of its input.

    Example:
        >>> import torch
        >>> Residual(torch.nn.Identity())(torch.ones(2)).tolist()
        [2.0, 2.0]
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Add the inner module's output to the input."""
        y: Tensor = x + self.inner(x)
        return y


Backbone = nn.Sequential | Sequence[nn.Module]

_STEPPING = (
    nn.modules.conv._ConvNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._LPPoolNd,
    nn.modules.pooling._MaxPoolNd,
)
_FOLLOWS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


def stages_of(backbone: Backbone) -> list[nn.Module]:
    """Divide a backbone into stages: one per layer with weights, with what belongs to it.

    A module that has no parameters (an activation, dropout, pooling, flattening), and a
    normalisation, belongs to the stage before it, or to the first stage. A module that holds other
    modules, such as an inner ``nn.Sequential``, is a stage as it stands.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules, from input to output.

    Raises:
        InputError: If the backbone is something else, or has no layer with weights.

    Example:
        >>> from torch import nn
        >>> backbone = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU())
        >>> len(stages_of(backbone))
        2
    """
    if isinstance(backbone, nn.Module) and not isinstance(backbone, nn.Sequential | nn.ModuleList):
        raise InputError(
            "`backbone` must be an nn.Sequential or a list of modules, one stage after the other. "
            f"Got {type(backbone).__name__}; list its stages"
        )
    collected: list[list[nn.Module]] = []
    waiting: list[nn.Module] = []
    for module in _modules(backbone):
        if not _belongs_to_another(module):
            collected.append([*waiting, module])
            waiting = []
        elif collected:
            collected[-1].append(module)
        else:
            waiting.append(module)
    if not collected:
        raise InputError("`backbone` must have at least one layer with weights. Got none")
    return [parts[0] if len(parts) == 1 else nn.Sequential(*parts) for parts in collected]


def feature_width(stages: Sequence[nn.Module], unit: Unit = ROW) -> int:
    """Number of features that the last stage puts out: of its last linear, or globally pooled ones.

    Args:
        stages: From input to output.
        unit: What the positions of the features are; where convolutions keep them, their channels are
            the features.

    Raises:
        InputError: If no layer of the last stage tells.
    """
    kept = unit.channels_first
    for module in reversed(list(stages[-1].modules())):
        if isinstance(module, nn.Linear):
            return module.out_features
        if kept and isinstance(module, nn.Conv1d | nn.Conv2d):
            return module.out_channels
        if isinstance(module, nn.RNNBase):
            return module.hidden_size * (2 if module.bidirectional else 1)
        if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
            kept = unit.channels_first or module.output_size in (1, (1, 1))
    raise InputError(
        "`n_features` must be given: the last stage of the backbone has no nn.Linear, and no "
        "convolution with global pooling, that tells how many features the heads get"
    )


def n_halvings(stage: nn.Module) -> int:
    """How often a stage halves the resolution, by a pool or the step of a convolution.

    Of parallel paths, as in a residual block, the one that shrinks most counts. Adaptive pools do
    not count.

    Example:
        >>> from torch import nn
        >>> n_halvings(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2)))
        1
    """
    return round(log2(_step(stage)))


def _step(module: nn.Module) -> int:
    if isinstance(module, _STEPPING):
        step = module.stride
        return max(step) if isinstance(step, tuple) else int(step)  # type: ignore[arg-type]
    within = [_step(child) for child in module.children()]
    return prod(within) if isinstance(module, nn.Sequential) else max(within, default=1)


def _modules(backbone: Backbone) -> Iterable[nn.Module]:
    modules = list(backbone)
    for module in modules:
        if not isinstance(module, nn.Module):
            raise InputError(
                f"`backbone` must hold modules only. Got an element of type {type(module).__name__}"
            )
    return modules


def _belongs_to_another(module: nn.Module) -> bool:
    if isinstance(module, _FOLLOWS):
        return True
    if isinstance(module, nn.Sequential | Residual):
        return False
    return next(module.parameters(), None) is None
