"""An ensemble in one file: members of several kinds, their weights, and how they are calibrated."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting
from ramify.ensembles import Calibration, Ensemble
from ramify.kernels import Inputs, KernelModel
from ramify.losses import TaskLosses
from ramify.networks import Parts, TaskModel, read_settings
from ramify.runs.methods._tensor_models import Forest
from ramify.stacked import StackedMLP
from ramify.tasks import SharingTree, TaskSet

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]
_DTYPES: Final = (torch.float32, torch.float64, torch.int64, torch.uint8)
_INPUT_ARRAYS: Final = ("source", "location", "scale", "grid", "limit", "widths")
_KERNEL_ARRAYS: Final = (
    *("version", "kernel", "rows", "coef", "intercept", "counts", "levels", "settings"),
    *(f"inputs.{name}" for name in _INPUT_ARRAYS),
)
_ROWS_AT_ONCE: Final = 4096
_MOST_AXES: Final = 3


class NamedArrays(nn.Module):
    """Arrays under fixed names, as buffers.

    Args:
        names: Their names.
        sizes: For each array the place of its type, its number of axes, and their lengths.
    """

    def __init__(self, names: Sequence[str], sizes: Sequence[int]) -> None:
        super().__init__()
        self._names = tuple(names)
        left = iter(sizes)
        for name in names:
            dtype, shape = _array_form(left)
            self.register_buffer(name.replace(".", "_"), torch.zeros(shape, dtype=dtype))
        if next(left, None) is not None:
            raise InputError("the sizes of an ensemble's member name more arrays than it has")

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """Hold these arrays."""
        tensors = [torch.from_numpy(np.array(each)) for each in arrays.values()]
        sizes = [
            number
            for each in tensors
            for number in (_DTYPES.index(each.dtype), each.ndim, *each.shape)
        ]
        made = cls(tuple(arrays), sizes)
        for name, tensor in zip(arrays, tensors, strict=True):
            made.get_buffer(name.replace(".", "_")).copy_(tensor)
        return made

    @property
    def sizes(self) -> list[int]:
        """From which one of the same form is made."""
        tensors = [self.get_buffer(name.replace(".", "_")) for name in self._names]
        return [n for t in tensors for n in (_DTYPES.index(t.dtype), t.ndim, *t.shape)]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {n: self.get_buffer(n.replace(".", "_")).cpu().numpy() for n in self._names}


def _array_form(left: Iterator[int]) -> tuple[torch.dtype, list[int]]:
    try:
        dtype, n_axes = next(left), next(left)
        if not (0 <= dtype < len(_DTYPES) and 0 <= n_axes <= _MOST_AXES):
            raise InputError("an array of an ensemble's member has no form that is known")
        shape = [next(left) for _ in range(n_axes)]
    except StopIteration:
        raise InputError("the sizes of an ensemble's member end too early") from None
    if min(shape, default=0) < 0:
        raise InputError("an array of an ensemble's member has a negative length")
    return _DTYPES[dtype], shape


def _numbers_of_arrays(sizes: Sequence[int]) -> int:
    left, found = iter(sizes), 0
    for _ in left:  # the type
        shape = [next(left, 0) for _ in range(next(left, 0))]
        found += prod(shape)
    return found


class Member(nn.Module, ABC):
    """A part of an ensemble that predicts all tasks.

    Attributes:
        kind: The name under which a file speaks of it.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def shares(self) -> bool:
        """Whether tasks learn from each other in it."""

    @classmethod
    @abstractmethod
    def numbers(cls, sizes: Sequence[int]) -> int:
        """How many numbers one of these sizes holds at least; 0 of sizes that do not fit."""

    @property
    @abstractmethod
    def sizes(self) -> list[int]:
        """From which one of the same form is made, see `rebuilt`."""

    @classmethod
    @abstractmethod
    def rebuilt(cls, sizes: Sequence[int], tasks: TaskSet) -> Self:
        """One like one that was saved; its numbers are to be loaded.

        Raises:
            InputError: If sizes do not fit.
        """

    @abstractmethod
    def columns(self, inputs: Float[Tensor, "row input"]) -> Float[np.ndarray, "row column"]:
        """Values, or probabilities that may leave their range, in the columns of `TaskSet`.

        Args:
            inputs: Encoded rows.
        """

    @abstractmethod
    def check(self, n_inputs: int) -> None:
        """Refuse numbers of a file that make no model.

        Raises:
            InputError: If they do not.
        """


class KernelMember(Member):
    """A kernel machine. It holds the encoded rows that it learned from.

    Args:
        arrays: What `KernelModel.state` gives.
        tasks: The tasks.
        location: What is added to each column's values.
        scale: What they are multiplied by first.
    """

    kind = "kernel"
    location: Tensor
    scale: Tensor

    def __init__(self, arrays: NamedArrays, tasks: TaskSet) -> None:
        super().__init__()
        self.held, self.tasks = arrays, tasks
        n_columns = len(tasks.task_of_column)
        self.register_buffer("location", torch.zeros(n_columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_columns, dtype=torch.float64))
        self._model: KernelModel | None = None

    @classmethod
    def of(cls, model: KernelModel, tasks: TaskSet, location: Floats, scale: Floats) -> Self:
        """From what was fitted to ``(label − location) / scale``."""
        state = model.state()
        made = cls(NamedArrays.of({name: state[name] for name in _KERNEL_ARRAYS}), tasks)
        made.location.copy_(torch.from_numpy(location))
        made.scale.copy_(torch.from_numpy(scale))
        return made

    @property
    def shares(self) -> bool:
        """Where rows belong to tasks, all tasks learn from them; else only the width is in common."""
        return len(self._kernel_model().counts) > 0

    @classmethod
    def numbers(cls, sizes: Sequence[int]) -> int:
        """Those of the arrays."""
        return _numbers_of_arrays(sizes)

    @property
    def sizes(self) -> list[int]:
        """Those of its arrays."""
        return self.held.sizes

    @classmethod
    def rebuilt(cls, sizes: Sequence[int], tasks: TaskSet) -> Self:
        """One like one that was saved."""
        return cls(NamedArrays(_KERNEL_ARRAYS, sizes), tasks)

    def columns(self, inputs: Float[Tensor, "row input"]) -> Float[np.ndarray, "row column"]:
        """Values of the regression."""
        model = self._kernel_model()
        rows = inputs.double().cpu().numpy()
        plain = len(model.counts) == 0  # else the same row as if it were one of each task
        found = model.predict(rows) if plain else model.predict_tasks(rows)
        return np.asarray(found * self.scale.cpu().numpy() + self.location.cpu().numpy())

    def check(self, n_inputs: int) -> None:
        """Refuse arrays that do not fit together."""
        model = self._kernel_model()
        width = len(self.tasks.task_of_column)
        fits = model.n_columns == width if len(model.counts) == 0 else len(model.counts) == width
        if not fits or model.inputs.n_features != n_inputs:
            raise InputError("a kernel machine's rows and columns are not those of the table")

    def _kernel_model(self) -> KernelModel:
        if self._model is None:
            self._model = KernelModel.from_state(self.held.arrays)
        return self._model


class TreesMember(Member):
    """Forests, or boosted trees: the mean of parts that each predict some columns.

    Args:
        tasks: The tasks.
        parts: The trees.
        firsts: The first column that each part predicts.
        logistic: Whether parts give log odds.
        task_is_input: Whether the trees read, after a row, which task it belongs to as zeros and
            a one; every part then predicts one column, of any task.
    """

    kind = "trees"
    firsts: Tensor
    switches: Tensor

    def __init__(
        self,
        tasks: TaskSet,
        parts: Sequence[Forest],
        firsts: Sequence[int],
        *,
        logistic: bool = False,
        task_is_input: bool = False,
    ) -> None:
        super().__init__()
        self.tasks, self.parts = tasks, nn.ModuleList(parts)
        # Held with the numbers: what a file says of its sizes must not change what they mean.
        self.register_buffer("firsts", torch.tensor(list(firsts), dtype=torch.int64))
        switches = torch.tensor([logistic, task_is_input], dtype=torch.uint8)
        self.register_buffer("switches", switches)

    @property
    def logistic(self) -> bool:
        """Whether parts give log odds."""
        return bool(self.switches[0])

    @property
    def task_is_input(self) -> bool:
        """Whether the trees read which task a row belongs to."""
        return bool(self.switches[1])

    @property
    def shares(self) -> bool:
        """Whether a part reads the task, or serves several."""
        of_column = self.tasks.task_of_column
        return self.task_is_input or any(
            of_column[first] != of_column[first + part.sizes[-1] - 1]
            for first, part in zip(self.firsts.tolist(), self._every(), strict=True)
        )

    @classmethod
    def numbers(cls, sizes: Sequence[int]) -> int:
        """Those of the trees."""
        return sum(Forest.numbers((a, b, c, d)) for a, b, c, d in _fours(sizes))

    @property
    def sizes(self) -> list[int]:
        """Four of each part."""
        return [size for part in self._every() for size in part.sizes]

    @classmethod
    def rebuilt(cls, sizes: Sequence[int], tasks: TaskSet) -> Self:
        """One like one that was saved."""
        if not sizes or len(sizes) % 4 or min(sizes) < 1:
            raise InputError("the sizes of an ensemble's trees must be 1 or more, four per part")
        parts = [Forest((a, b, c, d)) for a, b, c, d in _fours(sizes)]
        return cls(tasks, parts, [0] * len(parts))

    def columns(self, inputs: Float[Tensor, "row input"]) -> Float[np.ndarray, "row column"]:
        """The mean over parts, of each column."""
        n_columns = len(self.tasks.task_of_column)
        total = torch.zeros(len(inputs), n_columns, dtype=torch.float64)
        count = torch.zeros(n_columns)
        for first, part in zip(self.firsts.tolist(), self._every(), strict=True):
            if self.task_is_input:
                total += self._of_each_task(part, inputs)
                count += 1
                continue
            found = part(inputs)
            own = slice(first, first + found.shape[1])
            total[:, own] += found.sigmoid() if self.logistic else found
            count[own] += 1
        return np.asarray((total / count.clamp(min=1)).numpy())

    def check(self, n_inputs: int) -> None:
        """Refuse trees that lead nowhere, and columns of which there are none."""
        n_columns = len(self.tasks.task_of_column)
        width = n_inputs + (len(self.tasks) if self.task_is_input else 0)
        covered = np.zeros(n_columns, dtype=bool)
        for first, part in zip(self.firsts.tolist(), self._every(), strict=True):
            part.check(width)
            end = first + part.sizes[-1]
            if not 0 <= first < end <= n_columns or (self.task_is_input and part.sizes[-1] != 1):
                raise InputError("an ensemble's trees predict columns that no task has")
            covered[first:end] = True
        if not self.task_is_input and not covered.all():
            raise InputError("an ensemble's trees do not predict every task")

    def _of_each_task(self, part: Forest, inputs: Tensor) -> Tensor:
        n_tasks = len(self.tasks)
        found = []
        for t in range(n_tasks):
            task = inputs.new_zeros(len(inputs), n_tasks)
            task[:, t] = 1
            found.append(part(torch.cat([inputs, task], dim=1)))
        together = torch.cat(found, dim=1)
        return together.sigmoid() if self.logistic else together

    def _every(self) -> list[Forest]:
        return [part for part in self.parts if isinstance(part, Forest)]


def _fours(sizes: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    every = iter(sizes)
    return zip(every, every, every, every, strict=False)


class NetworksMember(Member):
    """Networks of one shape, each of which left a fold out; their mean is what it says.

    Args:
        tasks: The tasks.
        networks: The networks.
        arrays: What `Inputs.arrays` gives: how rows are encoded for them.
    """

    kind = "networks"

    def __init__(self, tasks: TaskSet, networks: StackedMLP, arrays: NamedArrays) -> None:
        super().__init__()
        self.tasks, self.networks, self.held = tasks, networks, arrays
        self.losses = TaskLosses(tasks)
        self._inputs: Inputs | None = None

    @classmethod
    def of(cls, tasks: TaskSet, networks: StackedMLP, inputs: Inputs) -> Self:
        """From what was fitted."""
        arrays = inputs.arrays()
        return cls(tasks, networks, NamedArrays.of({name: arrays[name] for name in _INPUT_ARRAYS}))

    @property
    def shares(self) -> bool:
        """All tasks read the same stages."""
        return True

    @classmethod
    def numbers(cls, sizes: Sequence[int]) -> int:
        """Those of the networks and of the arrays."""
        if len(sizes) < 3 or not 0 <= sizes[2] <= len(sizes) - 3 or min(sizes) < 0:
            return 0
        n_members, n_inputs, n_widths, *rest = sizes
        own = StackedMLP.numbers(n_members, n_inputs, 1, rest[:n_widths])
        return own + _numbers_of_arrays(rest[n_widths:])

    @property
    def sizes(self) -> list[int]:
        """Number of networks and inputs, how many widths, the widths, and sizes of the arrays."""
        n_members, n_inputs, _, widths = self.networks.sizes
        return [n_members, n_inputs, len(widths), *widths, *self.held.sizes]

    @classmethod
    def rebuilt(cls, sizes: Sequence[int], tasks: TaskSet) -> Self:
        """One like one that was saved."""
        if len(sizes) < 3 or not 0 <= sizes[2] <= len(sizes) - 3:
            raise InputError("the sizes of an ensemble's networks end too early")
        n_members, n_inputs, n_widths, *rest = sizes
        widths = rest[:n_widths]
        with torch.random.fork_rng([]):  # start weights are drawn and then replaced
            networks = StackedMLP(n_members, n_inputs, widths, len(tasks.task_of_column))
        return cls(tasks, networks.eval(), NamedArrays(_INPUT_ARRAYS, rest[n_widths:]))

    @torch.no_grad()
    def columns(self, inputs: Float[Tensor, "row input"]) -> Float[np.ndarray, "row column"]:
        """The mean over networks."""
        if self._inputs is None:
            self._inputs = Inputs.from_arrays(self.held.arrays)
        rows = torch.from_numpy(self._inputs.encode(inputs.double().cpu().numpy()))
        networks = self.networks.eval()
        found = networks(rows.to(networks.head.device))
        flat = self.losses.predictions(found.flatten(0, 1)).double()
        return np.asarray(flat.view(len(found), len(rows), -1).mean(0).cpu().numpy())

    def check(self, n_inputs: int) -> None:
        """Refuse another width, and what is no number."""
        inputs = Inputs.from_arrays(self.held.arrays)
        finite = all(bool(each.isfinite().all()) for each in self.networks.parameters())
        if inputs.n_features != n_inputs or inputs.width != self.networks.sizes[1] or not finite:
            raise InputError("an ensemble's networks do not fit the table")


MEMBERS: Final = {each.kind: each for each in (KernelMember, TreesMember, NetworksMember)}


@dataclass(frozen=True)
class _Settings:
    n_inputs: int
    members: tuple[str, ...]
    sizes: tuple[int, ...]
    lengths: tuple[int, ...]


class EnsembleModel(TaskModel):
    """Members whose predictions are mixed, by weights of each task, and calibrated.

    Args:
        tasks: The tasks.
        members: The members.
        n_inputs: Width of a flattened row.
    """

    kind = "ensemble"
    gives_predictions = True
    weights: Tensor
    scales: Tensor
    slope: Tensor
    level: Tensor

    def __init__(self, tasks: TaskSet, members: Sequence[Member], n_inputs: int) -> None:
        super().__init__()
        self.tasks, self._n_inputs = tasks, n_inputs
        self.members = nn.ModuleList(members)
        n_tasks, n_members = len(tasks), len(members)
        n_columns = len(tasks.task_of_column)
        double = torch.float64
        self.register_buffer("weights", torch.zeros(n_tasks, n_members, dtype=double))
        self.register_buffer("scales", torch.ones(n_members, n_columns, dtype=double))
        self.register_buffer("slope", torch.ones(n_tasks, dtype=double))
        self.register_buffer("level", torch.zeros(n_tasks, dtype=double))

    @classmethod
    def of(cls, ensemble: Ensemble, members: Sequence[Member], n_inputs: int) -> Self:
        """From what was chosen; members without weight are left out."""
        used = np.flatnonzero(ensemble.weights.any(axis=0))
        made = cls(ensemble.tasks, [members[int(m)] for m in used], n_inputs)
        given = {
            "weights": ensemble.weights[:, used],
            "scales": ensemble.scales[used],
            "slope": ensemble.calibration.slope,
            "level": ensemble.calibration.level,
        }
        for name, values in given.items():
            made.get_buffer(name).copy_(torch.from_numpy(values))
        return made.eval()

    def forward(self, inputs: Tensor) -> Float[Tensor, "batch column"]:
        """Probabilities, and values in the target's own unit, in the columns of `TaskSet`."""
        rows, ensemble = inputs.flatten(1), self._ensemble()
        found = [
            ensemble.combine([member.columns(part) for member in self._every()])
            for part in torch.split(rows, _ROWS_AT_ONCE)
        ]
        return torch.from_numpy(np.concatenate(found)).to(inputs.device)

    @property
    def tree(self) -> SharingTree:
        """One stage: shared if a member is that learns the tasks together, else apart."""
        if any(member.shares for member in self._every()):
            return SharingTree.shared(self.tasks.names, 1)
        return SharingTree.separate(self.tasks.names, 1)

    def check(self) -> None:
        """Refuse numbers of a file that make no model."""
        for member in self._every():
            member.check(self._n_inputs)
        numbers = (self.weights, self.scales, self.slope, self.level)
        sound = all(bool(each.isfinite().all()) for each in numbers)
        if not sound or bool((self.weights < 0).any()) or bool((self.weights.sum(1) <= 0).any()):
            raise InputError("the weights of an ensemble must be 0 or more, one above 0 per task")

    def settings(self) -> Mapping[str, Setting]:
        """The width of a row, and the members' kinds and sizes."""
        sizes = [member.sizes for member in self._every()]
        return {
            "n_inputs": self._n_inputs,
            "members": [member.kind for member in self._every()],
            "sizes": [size for each in sizes for size in each],
            "lengths": [len(each) for each in sizes],
        }

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """Those of all members."""
        members = _members(_read(settings))
        return sum(MEMBERS[kind].numbers(sizes) for kind, sizes in members)

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """One like one that was saved.

        Raises:
            InputError: If members are unknown, or their sizes do not fit.
        """
        own = _read(settings)
        members = [MEMBERS[kind].rebuilt(sizes, parts.tasks) for kind, sizes in _members(own)]
        return cls(parts.tasks, members, own.n_inputs)

    def _ensemble(self) -> Ensemble:
        nothing = np.zeros((len(self.tasks), len(self.members)))
        return Ensemble(
            tasks=self.tasks,
            weights=self.weights.cpu().numpy(),
            shared=nothing[0],
            own_part=nothing[:, 0],
            scales=self.scales.cpu().numpy(),
            calibration=Calibration(self.slope.cpu().numpy(), self.level.cpu().numpy()),
            losses=nothing,
            standard_errors=nothing,
            loss=nothing[:, 0],
        )

    def _every(self) -> list[Member]:
        return [member for member in self.members if isinstance(member, Member)]


def _read(settings: Mapping[str, Setting]) -> _Settings:
    own = read_settings(_Settings, settings, "an ensemble")
    unknown = [kind for kind in own.members if kind not in MEMBERS]
    fits = len(own.members) == len(own.lengths) > 0 and sum(own.lengths) == len(own.sizes)
    if unknown or not fits or min(own.lengths) < 0 or own.n_inputs < 1:
        raise InputError("the members of an ensemble must be known, with sizes for each")
    return own


def _members(own: _Settings) -> list[tuple[str, tuple[int, ...]]]:
    ends = np.cumsum(own.lengths)
    return [
        (kind, own.sizes[end - length : end])
        for kind, length, end in zip(own.members, own.lengths, ends, strict=True)
    ]
