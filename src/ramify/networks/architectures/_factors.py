"""Stacked weights as products of factors: by the task axis alone, Tucker, tensor train.

The task is the first axis, ``(task, …)``, and in every form the first factor is that of the tasks.
The papers have it last; a tensor train is the same from either end.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Factors(nn.Module, ABC):
    """A way to make stacked weights from factors, and factors from weights.

    Args:
        ranks: As many as the form has, see `n_ranks`.
    """

    def __init__(self, ranks: Sequence[int]) -> None:
        super().__init__()
        self.ranks = tuple(ranks)

    @staticmethod
    @abstractmethod
    def n_ranks(n_axes: int) -> int:
        """How many ranks weights of so many axes have."""

    @staticmethod
    @abstractmethod
    def unfoldings(weights: Tensor) -> list[Tensor]:
        """The matrices whose ranks they are, the tasks' first."""

    @abstractmethod
    def forward(self, *factors: Tensor) -> Tensor:
        """The weights that factors make."""

    @abstractmethod
    def right_inverse(self, weights: Tensor) -> tuple[Tensor, ...]:
        """Factors of the ranks that make (nearly) these weights, all of one length."""


class TaskAxisFactors(Factors):
    r"""Every task's weights are a mixture of bases, :math:`W_t = \sum_k S_{tk} L_k`.

    "Last axis flattening" (LAF).

    References:
        Yang, Hospedales. *Deep Multi-task Representation Learning: A Tensor Factorisation
        Approach*, ICLR 2017, section 3.2.

    Example:
        >>> weights = torch.randn(3, 4, 5)
        >>> form = TaskAxisFactors([3])
        >>> torch.allclose(form(*form.right_inverse(weights)), weights, atol=1e-5)
        True
    """

    @staticmethod
    def n_ranks(n_axes: int) -> int:
        """One: that of tasks × weights."""
        return 1

    @staticmethod
    def unfoldings(weights: Tensor) -> list[Tensor]:
        """Tasks × all the rest."""
        return [weights.flatten(1)]

    def forward(self, tasks: Tensor, bases: Tensor) -> Tensor:  # type: ignore[override]
        """Mix the bases ``(rank, …)`` by the tasks' shares ``(task, rank)``."""
        return (tasks @ bases.flatten(1)).view(len(tasks), *bases.shape[1:])

    def right_inverse(self, weights: Tensor) -> tuple[Tensor, ...]:
        """By the singular values of tasks × weights."""
        left, values, right = _svd(weights.flatten(1), self.ranks[0])
        bases = (values[:, None] * right).view(-1, *weights.shape[1:])
        return _alike([left, bases], weights)


class TuckerFactors(Factors):
    r"""A small core, multiplied by a factor along every axis, :math:`C \times_n U^{(n)}`.

    References:
        Yang, Hospedales, ICLR 2017, section 3.2; De Lathauwer, De Moor, Vandewalle, SIAM J.
        Matrix Anal. Appl. 2000, for the start.
    """

    @staticmethod
    def n_ranks(n_axes: int) -> int:
        """One per axis."""
        return n_axes

    @staticmethod
    def unfoldings(weights: Tensor) -> list[Tensor]:
        """Each axis × all the rest."""
        return [weights.movedim(axis, 0).flatten(1) for axis in range(weights.ndim)]

    def forward(self, *factors: Tensor) -> Tensor:
        """Multiply the core, which comes last, by the factors ``(size, rank)`` of the axes."""
        *along, core = factors
        return _multiplied(core, along)

    def right_inverse(self, weights: Tensor) -> tuple[Tensor, ...]:
        """By the singular vectors of every unfolding."""
        unfolded = zip(self.unfoldings(weights), self.ranks, strict=True)
        along = [_svd(matrix, rank)[0] for matrix, rank in unfolded]
        core = _multiplied(weights.double(), [factor.T for factor in along])
        return _alike([*along, core], weights)


class TrainFactors(Factors):
    r"""A chain of cores, :math:`W_{t i_1 i_2 \ldots} = u_t\, G_1(i_1)\, G_2(i_2) \cdots`.

    References:
        Yang, Hospedales, ICLR 2017, section 3.2; Oseledets, SIAM J. Sci. Comput. 2011,
        algorithm 1, for the start.
    """

    @staticmethod
    def n_ranks(n_axes: int) -> int:
        """One per cut between neighbouring axes."""
        return n_axes - 1

    @staticmethod
    def unfoldings(weights: Tensor) -> list[Tensor]:
        """The axes before every cut × those after it."""
        cuts = range(1, weights.ndim)
        return [weights.reshape(math.prod(weights.shape[:cut]), -1) for cut in cuts]

    def forward(self, *factors: Tensor) -> Tensor:
        """Multiply the chain: ``(task, rank)``, ``(rank, size, rank)``…, ``(rank, size)``."""
        chain = factors[0]
        for core in factors[1:]:
            chain = (chain.flatten(0, -2) @ core.flatten(1)).view(
                *chain.shape[:-1], *core.shape[1:]
            )
        return chain

    def right_inverse(self, weights: Tensor) -> tuple[Tensor, ...]:
        """By one singular value decomposition per cut."""
        cores, rest, before = [], weights.double(), 1
        for axis, rank in enumerate(self.ranks):
            size = weights.shape[axis]
            left, values, right = _svd(rest.reshape(before * size, -1), rank)
            cores.append(left.view(before, size, -1))
            rest, before = values[:, None] * right, len(values)
        return _alike([cores[0].squeeze(0), *cores[1:], rest], weights)


FORMS: dict[str, type[Factors]] = {
    "laf": TaskAxisFactors,
    "tucker": TuckerFactors,
    "tt": TrainFactors,
}
"""The forms by the names that the paper gives them."""


@torch.no_grad()
def ranks_for(
    form: type[Factors], weights: Tensor, error: float, of_tasks: int | None = None
) -> list[int]:
    """The smallest ranks with which factors make weights up to a relative error.

    Args:
        form: One of `FORMS`.
        weights: Stacked, task first.
        error: Largest Frobenius norm of the difference, in that of the weights.
        of_tasks: Rank of the task axis, if it is given; then the error is that beside it.
    """
    matrices = form.unfoldings(weights)
    ranks = []
    for matrix in matrices:
        values = torch.linalg.svdvals(matrix.double())
        left_out = values.square().flip(0).cumsum(0).flip(0).sqrt()  # if cut before each
        allowed = error / math.sqrt(len(matrices)) * left_out[0]
        ranks.append(max(1, int((left_out > allowed).sum())))
    if of_tasks is not None:
        ranks[0] = min(of_tasks, *matrices[0].shape)
    return _consistent(form, ranks, list(weights.shape))


def _consistent(form: type[Factors], ranks: list[int], shape: list[int]) -> list[int]:
    """Cut ranks that the others make useless."""
    if form is TrainFactors:
        before = 1
        for cut, rank in enumerate(ranks):
            ranks[cut] = before = min(rank, before * shape[cut])
    return ranks


def _svd(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    more = max(0, rank - len(values))  # of tasks of which some were left out
    left, right = functional.pad(left, (0, more)), functional.pad(right, (0, 0, 0, more))
    return left[:, :rank], functional.pad(values, (0, more))[:rank], right[:rank]


def _multiplied(core: Tensor, along: Sequence[Tensor]) -> Tensor:
    for axis, factor in enumerate(along):
        # Not by tensordot: in mixed precision it would meet factors of two precisions.
        core = functional.linear(core.movedim(axis, -1), factor).movedim(-1, axis)
    return core


def _alike(factors: Sequence[Tensor], like: Tensor) -> tuple[Tensor, ...]:
    """The factors with one length each, so that steps move them alike; their product stays."""
    lengths = [factor.norm().clamp(min=1e-30) for factor in factors]
    mean = torch.stack(lengths).log().mean().exp()
    pairs = zip(factors, lengths, strict=True)
    return tuple((factor * (mean / length)).to(like).contiguous() for factor, length in pairs)
