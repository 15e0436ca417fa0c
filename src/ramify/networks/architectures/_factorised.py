"""One network per task, whose stacked weights are products of a few factors.

By the task axis alone, Tucker, or tensor train. The task is the first axis, ``(task, …)``, and in
every form the first factor is that of the tasks. The papers have it last; a tensor train is the
same from either end.
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from ramify._core import InputError, Setting, listed, quoted
from ramify.data import Nested
from ramify.networks.backbones import Parts, read_settings
from ramify.networks.branched import (
    BranchedNetwork,
    Branches,
    OwnedWeights,
    OwnRows,
    ParameterRule,
    Relation,
    RowRouter,
    TaskNetwork,
    check_separate,
    each_its_own,
    rows_of,
    rows_of_heads,
    stacked_layers,
)
from ramify.tasks import SharingTree, TaskSet


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


_MEANING: Final = (
    "Cosine of the tasks' shares, softmax of the sizes in the layer's task factor: 1 is the same "
    "mixture of what is shared; tasks that share nothing have a small value, not 0."
)


@dataclass(frozen=True)
class _Settings:
    form: str
    ranks: tuple[int, ...]


class FactorisedNetwork(TaskNetwork):
    """One network per task; the weights of dense layers and convolutions come from shared factors.

    Biases, norms and heads stay each task's own. The factors start from the weights of the given
    networks: trained single-task networks, as in the paper, or new ones that differ from each
    other (see `spread`). With a single task there is nothing to factorise.

    Args:
        columns: One network per task, that is a tree that shares nothing. Copied, never changed.
        form: ``laf``, ``tucker`` or ``tt``; see `FORMS`.
        ranks: Those of the first layer, then those of the second, and so on; see `ranks_of`.

    Raises:
        InputError: If the networks share a stage or cannot be stacked, the form is unknown, or
            the ranks do not fit.

    References:
        Yang, Hospedales. *Deep Multi-task Representation Learning: A Tensor Factorisation
        Approach*, ICLR 2017.

    Example:
        >>> from ramify.tasks import Binary, Task, TaskSet
        >>> tasks = TaskSet([Task(name, Binary()) for name in "abc"])
        >>> columns = BranchedNetwork([nn.Linear(8, 4)], SharingTree.separate("abc", 1), tasks)
        >>> from ramify.networks.architectures._factorised import ranks_of
        >>> from ramify.networks.branched import spread
        >>> columns = spread(columns)
        >>> network = FactorisedNetwork(columns, "laf", ranks_of(columns, "laf", of_tasks=2))
        >>> network.settings()
        {'form': 'laf', 'ranks': [2]}
    """

    kind: ClassVar[str] = "factorised"

    def __init__(self, columns: BranchedNetwork, form: str, ranks: Sequence[int]) -> None:
        super().__init__()
        check_separate(columns)
        columns = copy.deepcopy(columns)
        self.tasks, self._tree = columns.tasks, columns.tree
        self._router = RowRouter(columns.tree)
        self.stages, self.heads = columns.stages, columns.heads
        self.unit, self.reader = columns.unit, columns.reader
        self._form, self._ranks = form, tuple(ranks)
        left = list(ranks)
        for layer in stacked_layers(columns):
            n_ranks = form_named(form).n_ranks(layer.weight.ndim)
            factors = form_named(form)(checked_ranks(left[:n_ranks], layer.weight, form))
            parametrize.register_parametrization(layer, "weight", factors)
            left = left[n_ranks:]
        if left:
            raise InputError(f"`ranks` must be {len(ranks) - len(left)} numbers. Got {len(ranks)}")

    def maps(self, inputs: Nested) -> Float[Tensor, "task batch ..."]:
        """What the last stages give."""
        n_tasks = len(self.tasks)
        x = self.entered(inputs)
        with parametrize.cached():  # a layer looks at its weights more than once
            for i, stage in enumerate(self.stages):
                x = x if self._own_rows is None else self._own_rows.read_by(i, x)
                x = stage(x, [0] * n_tasks if len(x) == 1 else range(n_tasks))
        whole = torch.stack(x) if isinstance(x, list) else x
        whole = whole if self._own_rows is None else self._own_rows.put_back(whole)
        return self.channels_last(whole)

    def own_rows(self, label_mask: Bool[Tensor, "batch task"]) -> OwnRows | None:
        """Known where no stage is in training with batch statistics."""
        stages = [stage for stage in self.stages if isinstance(stage, Branches)]
        return self._router.rows(label_mask) if all(s.rows_apart for s in stages) else None

    def read(self, features: Float[Tensor, "task unit feature"]) -> Tensor:
        """What the heads make of the features."""
        outputs: Tensor = self.heads(features)
        return outputs

    @property
    def tree(self) -> SharingTree:
        """Every task has a copy of every stage."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """One part."""
        return np.zeros(len(self.tasks), np.int64)

    def owned_weights(self) -> list[OwnedWeights]:
        """The tasks' factors, biases, norms and heads."""
        n_tasks = len(self.tasks)
        own = [tensor for tensor in self._stacked() if n_tasks > 1]
        return [*rows_of(own, each_its_own(n_tasks)), *rows_of_heads(self.heads, n_tasks)]

    @torch.no_grad()
    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> TaskNetwork:
        """A network for some of the tasks, with their factors; of one task with its weights."""
        if len(tasks) == 1:
            return self._alone(tasks, places[0])
        again = copy.deepcopy(self)
        again.tasks, again._tree = tasks, self._tree.restricted(tasks.names)
        again._router = RowRouter(again._tree)
        for module in again.stages.modules():
            if isinstance(module, Branches):
                module.n_groups = len(tasks)
            of_tasks = not isinstance(module, parametrize.ParametrizationList)
            for name, parameter in module.named_parameters(recurse=False):
                if of_tasks or name == "original0":
                    setattr(module, name, nn.Parameter(parameter[list(places)]))
            for name, buffer in module.named_buffers(recurse=False):
                setattr(module, name, buffer[list(places)])
        again.heads = self.heads.of_tasks(tasks, places)
        again.heads.attach(range(len(tasks)))
        return again

    def _alone(self, tasks: TaskSet, place: int) -> BranchedNetwork:
        """One task's network with the weights that the factors make."""
        parts: list[nn.Module] = [] if self.reader is None else [self.reader]
        for stage in self.stages:
            assert isinstance(stage, Branches)  # for the type checker only
            parts.append(stage.regrown([place]).copies[0])
        tree = self._tree.restricted(tasks.names)
        width = self.heads.weight.shape[1]
        network = BranchedNetwork(parts, tree, tasks, n_features=width)
        network.unit, network.heads = self.unit, self.heads.of_tasks(tasks, [place])
        network.heads.attach([0])
        return network.train(self.training)

    def parameter_rules(self) -> list[ParameterRule]:
        """None is treated in its own way."""
        return []

    def settings(self) -> Mapping[str, Setting]:
        """The form and the ranks."""
        return {"form": self._form, "ranks": list(self._ranks)}

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """It may be smaller than its backbone."""
        return 0

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        own = read_settings(_Settings, settings, f"a network {quoted(cls.kind)}")
        return cls(BranchedNetwork.rebuilt(parts, {}), own.form, own.ranks)

    def sharing_strength(self) -> list[float]:
        r"""How much the tasks share at every factorised layer, from 0 (nothing) to 1 (all).

        The mean over pairs of tasks of the cosine of their shares
        :math:`\mathrm{softmax}(|S_t|)`, as in the paper; for tasks that share nothing it is small,
        not 0.
        """
        pairs = ~np.eye(len(self.tasks), dtype=bool)
        return [float(cosines[pairs].mean()) for cosines in self._cosines()]

    def relations(self) -> list[Relation]:
        """How alike the shares of two tasks are at every factorised layer."""
        return [
            Relation(f"factors, layer {i}", cosines, _MEANING)
            for i, cosines in enumerate(self._cosines(), 1)
        ]

    def _cosines(self) -> Iterator[NDArray[np.float64]]:
        for factor in self._task_factors():
            shares = factor.detach().double().cpu().abs().softmax(1)
            unit = shares / shares.norm(dim=1, keepdim=True)
            yield (unit @ unit.T).numpy()

    def _task_factors(self) -> Iterator[nn.Parameter]:
        for name, parameter in self.stages.named_parameters():
            if name.endswith("weight.original0"):
                yield parameter

    def _stacked(self) -> Iterator[Tensor]:
        """Every tensor whose first axis is that of the tasks."""
        yield from self._task_factors()
        for name, parameter in self.stages.named_parameters():
            if "parametrizations" not in name:
                yield parameter
        yield from (buffer for buffer in self.stages.buffers() if buffer.is_floating_point())
