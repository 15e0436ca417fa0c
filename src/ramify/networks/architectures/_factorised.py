"""One network per task, whose stacked weights are products of a few factors."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ramify._core import InputError, Setting, quoted
from ramify.data import Nested
from ramify.networks.architectures._ranks import checked_ranks, form_named
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
        >>> from ramify.networks.architectures._ranks import ranks_of
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
