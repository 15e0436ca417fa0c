"""One stage of a branched network: a copy of the stage for every group of tasks."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ramify._core import InputError
from ramify.networks.stacked import (
    Run,
    StackedBatchNorm,
    apart,
    stacked,
    take_groups,
)

# Measured by benchmarks/branches.py on a CPU; docs/fully_adaptive.md tells what came out.
_MOST_PER_BRANCH = 2**17
_MOST_IN_ALL = 2**21
_LEAST_FOR_A_PAIR = 2**12

Features = Tensor | list[Any]
"""``(branch, batch, …)``; or the features of each branch by themselves, or inputs of some structure."""


class Branches(nn.Module):
    """The copies of one stage, held stacked where every layer has a stacked form.

    Stacked copies of dense layers always run in one operation; those of convolutions where that
    is faster than one by one (see `in_one_operation`).

    Args:
        copies: One module per group.
        stack: Whether to stack where possible.
    """

    def __init__(self, copies: Sequence[nn.Module], *, stack: bool = True) -> None:
        super().__init__()
        self.n_groups = len(copies)
        self._stack = stack
        self._channels = _most_channels(copies[0])
        joined = stacked(copies) if stack and len(copies) > 1 else None
        self.joined = None if joined is None else joined.train(copies[0].training)
        self.copies = nn.ModuleList([] if joined is not None else copies)
        # The form of one copy, without numbers; in a tuple, for it is no part of this.
        self._form: tuple[nn.Module, ...] = (
            () if joined is None else (copy.deepcopy(copies[0]).to("meta"),)
        )

    def forward(self, x: Features, parents: Sequence[int]) -> Features:
        """Run every copy on the features of its parent.

        Args:
            x: Of every branch below.
            parents: For each group, the index of the branch below that feeds it.
        """
        if self.joined is not None and self._together(x):
            joined: Tensor = self.joined(gathered(x, parents))
            return joined
        below = x if isinstance(x, list) else x.unbind()
        sources = [below[parent] for parent in parents]
        runs: Sequence[Run] = list(self.copies)
        if self.joined is not None:
            runs = self.joined.each(self.n_groups)
        return [_tensor(run(source)) for run, source in zip(runs, sources, strict=True)]

    def alone(self, x: Tensor) -> Tensor:
        """Run the only copy, without an axis of groups."""
        (module,) = self.copies
        return _tensor(module(x))

    @property
    def rows_apart(self) -> bool:
        """Whether it is known that no row's features depend on the other rows of the batch."""
        if self.joined is None:
            return False
        norms = [m for m in self.joined.modules() if isinstance(m, StackedBatchNorm)]
        return not any(norm.training for norm in norms)

    def regrown(self, sources: Sequence[int]) -> "Branches":
        """New branches that are copies of these.

        Args:
            sources: For each new group, the index of the group that it copies.
        """
        if self.joined is None:
            alone = list(self.copies)
            return Branches([copy.deepcopy(alone[s]) for s in sources], stack=self._stack)
        if len(sources) == 1:
            return Branches([self._unstacked(sources[0])], stack=self._stack)
        again = copy.deepcopy(self)
        take_groups(again.get_submodule("joined"), list(sources))
        again.n_groups = len(sources)
        return again

    def _unstacked(self, group: int) -> nn.Module:
        """One of the stacked copies as a module of its own."""
        assert self.joined is not None  # for the type checker only
        own = {name: tensor[group].clone() for name, tensor in _plain_state(self.joined).items()}
        device = next(iter(own.values())).device
        module = copy.deepcopy(self._form[0]).train(self.training)
        # Counters of batches, which a stack leaves out, have no part in the result.
        rest = {n: torch.zeros_like(t, device=device) for n, t in module.state_dict().items()}
        module.load_state_dict(rest | own, assign=True)  # stacks do not count batches
        return module

    def _together(self, x: Features) -> bool:
        if not isinstance(x[0], Tensor):
            return False  # inputs of some structure
        # Dense copies are small products; one batched product always beats a loop of them.
        if self._channels == 0:
            return True
        shape = x.shape[1:] if isinstance(x, Tensor) else x[0].shape
        size = self._channels * shape[-2:].numel()
        return in_one_operation(self.n_groups, shape[0], size, shared=len(x) == 1)

    def rows(self) -> Iterator[tuple[Tensor, int | None]]:
        """Every parameter and floating-point buffer, and which group owns it.

        Yields:
            The tensor, and its group; or None where its first axis is the group.
        """
        if self.joined is not None:
            yield from ((tensor, None) for tensor in _state(self.joined))
        for g, module in enumerate(self.copies):
            yield from ((tensor, g) for tensor in _state(module))


def _tensor(given: object) -> Tensor:
    if isinstance(given, Tensor):
        return given
    raise InputError(
        "every stage of `backbone` must give one tensor. "
        f"Got an object of type {type(given).__name__}; wrap the stage so that it gives what the "
        "next one reads, such as the first part of what an nn.LSTM gives"
    )


def _plain_state(module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a module's state, with weights that are made from factors as they are."""
    state: dict[str, Tensor] = dict(module.state_dict())
    for path, layer in module.named_modules():
        if parametrize.is_parametrized(layer, "weight"):
            start = f"{path}.parametrizations.weight." if path else "parametrizations.weight."
            state = {name: tensor for name, tensor in state.items() if not name.startswith(start)}
            state[f"{path}.weight" if path else "weight"] = layer.weight.detach()
    return state


def _state(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from (buffer for buffer in module.buffers() if buffer.is_floating_point())


def gathered(x: Features, parents: Sequence[int]) -> Tensor:
    """The features that each group gets, stacked; one for all where all get the same."""
    if len(x) == 1:
        return x if isinstance(x, Tensor) else x[0].unsqueeze(0)
    if isinstance(x, Tensor):
        if len(x) == len(parents):
            return x  # groups are in the order of their first tasks, below as here
        below: Sequence[Tensor] = x.unbind()
    else:
        below = x
    chosen = [below[parent] for parent in parents]
    if chosen[0].ndim < 3:
        return torch.stack(chosen)
    return apart(torch.cat(chosen, dim=1), len(parents))  # the order that channels are read in


def in_one_operation(n_groups: int, n_rows: int, size: int, *, shared: bool) -> bool:
    """Whether one grouped convolution is faster than a loop over the branches.

    Every call costs about the same on top of its arithmetic. So grouping gains the more, the more
    branches there are and the smaller the features of each. Where these are large it gains
    nothing, and it loses once the features of all branches no longer fit the processor's caches.
    For a single row, small convolutions have a shorter way that is closed to grouped ones; two of
    them are faster on it, unless they read the same input and so are a single wide one.

    Args:
        n_groups: Number of branches.
        n_rows: Rows in the batch.
        size: Features of one row at the widest place of one branch.
        shared: Whether all branches read the same input.
    """
    if torch.compiler.is_compiling():  # to look at the batch would fix its size
        return True
    if n_rows == 1 and n_groups == 2 and not shared and size < _LEAST_FOR_A_PAIR:
        return False
    per_branch = n_rows * size
    return per_branch <= _MOST_PER_BRANCH and n_groups * per_branch <= _MOST_IN_ALL


def _most_channels(stage: nn.Module) -> int:
    """Most channels that a convolution of a stage reads or writes; 0 without any."""
    widths = [
        max(layer.in_channels, layer.out_channels)
        for layer in stage.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    return max(widths, default=0)
