"""One stage of a branched network: a copy of the stage for every group of tasks."""

import copy
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ramify.networks._stacking import stacked, take_groups


class Branches(nn.Module):
    """The copies of one stage, run stacked where every layer has a stacked form, else in turn.

    Args:
        copies: One module per group.
        stack: Whether to stack where possible.
    """

    def __init__(self, copies: Sequence[nn.Module], *, stack: bool = True) -> None:
        super().__init__()
        self.n_groups = len(copies)
        self._stack = stack
        joined = stacked(copies) if stack and len(copies) > 1 else None
        self.joined = None if joined is None else joined.train(copies[0].training)
        self.copies = nn.ModuleList([] if joined is not None else copies)

    def forward(self, x: Tensor, parents: Int[Tensor, " group"]) -> Tensor:
        """Run every copy on the features of its parent.

        Args:
            x: ``(parent, batch, …)``.
            parents: For each group, the index of the group below that feeds it.

        Returns:
            ``(group, batch, …)``.
        """
        if self.n_groups == 1:
            y: Tensor = self.copies[0](x.squeeze(0)).unsqueeze(0)
            return y
        if self.joined is not None:
            sources = x if len(x) in {1, self.n_groups} else x.index_select(0, parents)
            joined: Tensor = self.joined(sources)
            return joined
        sources = x.expand(self.n_groups, *x.shape[1:]) if len(x) == 1 else x[parents]
        return torch.stack([run(h) for run, h in zip(self.copies, sources, strict=True)])

    def alone(self, x: Tensor) -> Tensor:
        """Run the only copy, without an axis of groups."""
        (module,) = self.copies
        y: Tensor = module(x)
        return y

    def regrown(self, sources: Sequence[int]) -> "Branches":
        """New branches that are copies of these.

        Args:
            sources: For each new group, the index of the group that it copies.
        """
        if self.joined is None:
            alone = list(self.copies)
            return Branches([copy.deepcopy(alone[s]) for s in sources], stack=self._stack)
        again = copy.deepcopy(self)
        take_groups(again.get_submodule("joined"), list(sources))
        again.n_groups = len(sources)
        return again

    def rows(self) -> Iterator[tuple[Tensor, int | None]]:
        """Every parameter and floating-point buffer, and which group owns it.

        Yields:
            The tensor, and its group; or None where its first axis is the group.
        """
        if self.joined is not None:
            yield from ((tensor, None) for tensor in _state(self.joined))
        for g, module in enumerate(self.copies):
            yield from ((tensor, g) for tensor in _state(module))


def _state(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from (buffer for buffer in module.buffers() if buffer.is_floating_point())
