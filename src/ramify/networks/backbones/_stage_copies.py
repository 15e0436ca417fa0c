"""Copies of a backbone's stages that compute what the stages compute, or a word on why they cannot."""

import copy
from collections.abc import Iterable, Iterator
from functools import partial
from types import CellType, FunctionType, MethodType

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ramify._core import InputError
from ramify.networks.backbones._stages import Backbone, stages_of

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def has_own_forward(module: nn.Module) -> bool:
    """Whether calling a module does more, or something else, than its type of torch or ours does.

    That is: hooks, a ``forward`` of the instance, or one that a subclass wrote. Whatever rewrites
    layers into another form asks this first, for the other form would drop it.

    Example:
        >>> from torch import nn
        >>> layer = nn.Linear(2, 2)
        >>> handle = layer.register_forward_hook(lambda module, inputs, output: 2 * output)
        >>> has_own_forward(nn.Linear(2, 2)), has_own_forward(layer)
        (False, True)
    """
    if "forward" in vars(module) or any(getattr(module, hooks) for hooks in _HOOKS):
        return True
    return type(module).forward.__module__.partition(".")[0] not in ("torch", "ramify")


def check_plain(module: nn.Module, argument: str) -> None:
    """Refuse a module whose own forward would be dropped where its weights are taken over.

    Args:
        module: What is to be rewritten.
        argument: What it came in, for the message.

    Raises:
        InputError: If it has hooks or a forward of its own.
    """
    if has_own_forward(module) and isinstance(module, nn.Linear | nn.Conv2d | nn.Sequential):
        raise InputError(
            f"`{argument}` must have layers that do what their type does. Got {_described(module)}"
        )


def copied_stages(backbone: Backbone) -> list[nn.Module]:
    """The stages of a backbone, see `stages_of`, copied: their own from now on, each apart.

    Args:
        backbone: Unchanged.

    Raises:
        InputError: If two stages use one weight, or a stage cannot be copied: its weights are made
            by a hook of an older form, or a hook or forward of an instance holds weights itself.
    """
    if isinstance(backbone, nn.Sequential) and has_own_forward(backbone):
        raise InputError(
            "`backbone` must run its modules in turn and do nothing else. Got "
            f"{_described(backbone)}; put that into a module of its own, as a stage"
        )
    stages = stages_of(backbone)
    _check_untied(stages)
    for i, stage in enumerate(stages, 1):
        for module in stage.modules():
            _check_copyable(module, f"stage {i} of `backbone`")
    return [_copied(stage) for stage in stages]


def _described(module: nn.Module) -> str:
    name = type(module).__name__
    if "forward" in vars(module):
        return f"one whose forward was replaced ({name})"
    if any(getattr(module, hooks) for hooks in _HOOKS):
        return f"one with hooks ({name})"
    return f"{name} with a forward of its own"


def _check_untied(stages: Iterable[nn.Module]) -> None:
    first: dict[int, int] = {}
    for i, stage in enumerate(stages, 1):
        for name, tensor in (*stage.named_parameters(), *stage.named_buffers()):
            before = first.setdefault(id(tensor), i)
            if before != i:
                raise InputError(
                    "the stages of `backbone` must have weights of their own, for each is divided "
                    f"by itself. Got one in stages {before} and {i} ({name}); put the layers that "
                    "share it into one stage, as an inner nn.Sequential, or copy it"
                )


def _check_copyable(module: nn.Module, where: str) -> None:
    for hook in module._forward_pre_hooks.values():
        old = type(hook).__name__
        if isinstance(hook, WeightNorm):
            remedy = "use torch.nn.utils.parametrizations.weight_norm"
        elif isinstance(hook, prune.BasePruningMethod):
            old, remedy = "pruning", "make it permanent with torch.nn.utils.prune.remove"
        else:
            continue
        raise InputError(
            f"{where} must have weights that can be copied. Got {type(module).__name__} with the "
            f"older {old} hook; {remedy}"
        )
    if any(_holds_weights(each, module) for each in _held(_attached_functions(module))):
        raise InputError(
            f"{where} must be a module that can be copied. Got {type(module).__name__} with a "
            "function that holds weights itself, which every copy would share; write it as a "
            "class of module"
        )


def _attached_functions(module: nn.Module) -> Iterator[object]:
    hooks = [hook for kind in _HOOKS for hook in getattr(module, kind).values()]
    for function in (*hooks, *([vars(module)["forward"]] if "forward" in vars(module) else ())):
        # A method of the module itself is copied with it.
        its_own = isinstance(function, MethodType) and function.__self__ is module
        yield function.__func__ if its_own else function


def _held(functions: Iterable[object]) -> Iterator[object]:
    """What functions bring along: closures, defaults, bound arguments, and the objects they are of."""
    waiting, seen = list(functions), set[int]()
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        found: list[object] = []
        if isinstance(function, partial):
            found = [function.func, *function.args, *function.keywords.values()]
        elif isinstance(function, MethodType):
            found = [function.__func__]
        elif isinstance(function, FunctionType):
            found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            found += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        yield function
        waiting += found


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _holds_weights(held: object, module: nn.Module) -> bool:
    owner = held.__self__ if isinstance(held, MethodType) else held
    if isinstance(owner, nn.Module):
        return owner is module or next(owner.parameters(), None) is not None
    return isinstance(owner, Tensor) and owner.requires_grad


def _copied(stage: nn.Module) -> nn.Module:
    # What hooks of the older form left of the last forward pass has a graph; it is made anew.
    left = {
        id(value): value.detach().clone()
        for module in stage.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    again = copy.deepcopy(stage, left)
    for module in again.modules():
        for key, hook in list(module._forward_pre_hooks.items()):
            if isinstance(hook, SpectralNorm):
                _modernise(module, key, hook)
    return again


def _modernise(module: nn.Module, key: int, hook: SpectralNorm) -> None:
    """Put a parametrization, which survives copying and saving, in the place of an older hook."""
    name = hook.name
    weight, u = getattr(module, f"{name}_orig"), getattr(module, f"{name}_u")
    v = getattr(module, f"{name}_v")
    del module._forward_pre_hooks[key]
    for kept in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
        kept.clear()
    for of_hook in (f"{name}_orig", f"{name}_u", f"{name}_v", name):
        delattr(module, of_hook)
    module.register_parameter(name, nn.Parameter(weight.detach(), weight.requires_grad))
    with torch.random.fork_rng(devices=[]):  # its own start of u and v is put aside
        parametrizations.spectral_norm(module, name, hook.n_power_iterations, hook.eps, hook.dim)
    made = module.get_submodule(f"parametrizations.{name}.0")
    made._u, made._v = u.clone(), v.clone()
