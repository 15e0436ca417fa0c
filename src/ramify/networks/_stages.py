"""A backbone as an ordered list of stages, each of which can be shared or divided."""

from collections.abc import Iterable, Sequence

from torch import nn

from ramify._core import InputError
from ramify.networks._residual import Residual

Backbone = nn.Sequential | Sequence[nn.Module]

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


def feature_width(stages: Sequence[nn.Module]) -> int:
    """Number of features that the last stage puts out.

    Raises:
        InputError: If no layer of the last stage tells.
    """
    for module in reversed(list(stages[-1].modules())):
        if isinstance(module, nn.Linear):
            return module.out_features
    raise InputError(
        "`n_features` must be given: the last stage of the backbone has no nn.Linear that tells "
        "how many features the heads get"
    )


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
