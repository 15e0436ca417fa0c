"""Models of one task each as plain tensors: saved without pickle, and checked when they are read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting, quoted
from ramify.networks import Parts, TaskModel, read_settings
from ramify.tasks import Multiclass, Ordinal, Ranking, Regression, SharingTree, Task, TaskSet

_AT_ONCE: Final = 1 << 17  # pairs of a row and a tree: what is gathered stays in the cache
_LEVELS: Final = 4  # between two looks at which pairs have come to a leaf


def table_of(task: Task, classes: Sequence[int]) -> Float[np.ndarray, "class column"]:
    """What turns probabilities of classes, or a number, into the columns of a task's output.

    Args:
        task: The task.
        classes: Which of its classes there are probabilities of; none for a number.

    Example:
        >>> from ramify.tasks import Ordinal, Task
        >>> table_of(Task("pain", Ordinal(("low", "mid", "high"))), [0, 2])
        array([[0., 0.],
               [1., 1.]])
    """
    if learns_numbers(task):
        return np.eye(1)
    n_labels = len(task.kind.labels)
    if isinstance(task.kind, Ordinal):  # of each level but the lowest, or a higher one
        full = np.tri(n_labels)[:, 1:]
    else:
        full = np.eye(n_labels) if isinstance(task.kind, Multiclass) else np.eye(n_labels)[:, 1:]
    return full[list(classes)]


def learns_numbers(task: Task) -> bool:
    """Whether a model of the task predicts its labels as numbers; the relevance of a ranking too."""
    return isinstance(task.kind, Regression | Ranking)


Sizes = tuple[int, int, int, int]


class TaskPart(nn.Module, ABC):
    """A fitted model of one task."""

    @property
    @abstractmethod
    def sizes(self) -> Sizes:
        """From which one of the same size can be made, see `numbers`."""

    @classmethod
    @abstractmethod
    def numbers(cls, sizes: Sizes) -> int:
        """How many numbers one of a size holds."""

    @abstractmethod
    def forward(self, inputs: Float[Tensor, "row input"]) -> Float[Tensor, "row column"]:
        """Values, or probabilities, in the columns of the task's output."""

    @abstractmethod
    def rescale(self, scale: float, location: float) -> None:
        """Predict ``scale`` × what it predicts now + ``location``.

        Args:
            scale: Above 0.
            location: Any number.
        """

    @abstractmethod
    def check(self, n_inputs: int) -> None:
        """Refuse numbers of a file that make no model.

        Args:
            n_inputs: Width of a row.

        Raises:
            InputError: If they do not.
        """


class Forest(TaskPart):
    """The trees of one task; each is walked from its root to a leaf.

    Args:
        sizes: Numbers of nodes, trees, leaves and columns.

    Attributes:
        feature: Which input a node asks for; at a leaf −1 − the number of its row of ``leaves``.
        threshold: The node goes left where the input is at most this.
        below: The next node then, and else, ``(node, 2)``; a leaf's are the leaf itself.
        roots: The first node of each tree.
        leaves: What a leaf predicts, ``(leaf, column)``.
    """

    feature: Tensor
    threshold: Tensor
    below: Tensor
    roots: Tensor
    leaves: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        n_nodes, n_trees, n_leaves, n_columns = sizes
        self.register_buffer("feature", torch.zeros(n_nodes, dtype=torch.int32))
        self.register_buffer("below", torch.zeros(n_nodes, 2, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(n_nodes))
        self.register_buffer("roots", torch.zeros(n_trees, dtype=torch.int32))
        self.register_buffer("leaves", torch.zeros(n_leaves, n_columns, dtype=torch.float64))

    @classmethod
    def of(cls, trees: Sequence[Any], table: NDArray[np.float64]) -> "Forest":
        """From the trees of scikit-learn.

        Args:
            trees: Each a ``tree_`` of one output.
            table: What `table_of` gave.
        """
        values = np.concatenate([tree.value[:, 0, :] for tree in trees])
        sums = values.sum(axis=1, keepdims=True) if len(table) > 1 else 1.0
        return cls._grown(trees, values / sums @ table)

    @classmethod
    def of_columns(cls, trees: Sequence[Any]) -> "Forest":
        """From regression trees of scikit-learn, each of several outputs."""
        return cls._grown(trees, np.concatenate([tree.value[:, :, 0] for tree in trees]))

    @classmethod
    def of_steps(cls, steps: Sequence[Any], start: float) -> "Forest":
        """From gradient boosting of scikit-learn: start plus the sum of the steps, as a mean.

        Args:
            steps: Each the ``nodes`` of a predictor of numbers without gaps.
            start: What is predicted before the first step.
        """
        trees = [_StepTree(nodes) for nodes in steps]
        values = np.concatenate([nodes["value"] for nodes in steps])
        return cls._grown(trees, (start + len(trees) * values)[:, None])

    @classmethod
    def _grown(cls, trees: Sequence[Any], values: NDArray[np.float64]) -> "Forest":
        """From trees and what each node would predict, ``(node, column)``."""
        counts = [tree.node_count for tree in trees]
        is_leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        made = cls((len(is_leaf), len(trees), int(is_leaf.sum()), values.shape[1]))
        roots = np.cumsum([0, *counts[:-1]])
        starts = np.repeat(roots, counts)
        inner = np.stack(
            [
                np.concatenate([getattr(tree, f"children_{side}") for tree in trees]) + starts
                for side in ("left", "right")
            ],
            axis=1,
        )
        feature = np.concatenate([tree.feature for tree in trees])
        threshold = np.concatenate([tree.threshold for tree in trees])
        made._fill("feature", np.where(is_leaf, -np.cumsum(is_leaf), feature))
        made._fill("below", np.where(is_leaf[:, None], np.arange(len(is_leaf))[:, None], inner))
        made._fill("threshold", np.where(is_leaf, 0.0, _rounded_down(threshold)))
        made._fill("roots", roots)
        made._fill("leaves", values[is_leaf])
        return made

    @classmethod
    def constant(cls, columns: NDArray[np.float64]) -> "Forest":
        """One leaf: the same for every row."""
        made = cls((1, 1, 1, len(columns)))
        made._fill("feature", np.array([-1]))
        made._fill("leaves", columns[None])
        return made

    @property
    def sizes(self) -> Sizes:
        """Numbers of nodes, trees, leaves and columns."""
        n_leaves, n_columns = self.leaves.shape
        return len(self.feature), len(self.roots), n_leaves, n_columns

    @classmethod
    def numbers(cls, sizes: Sizes) -> int:
        """Four per node, the roots and the leaves."""
        n_nodes, n_trees, n_leaves, n_columns = sizes
        return 4 * n_nodes + n_trees + n_leaves * n_columns

    def forward(self, inputs: Float[Tensor, "row input"]) -> Float[Tensor, "row column"]:
        """The mean over trees."""
        n = max(1, _AT_ONCE // len(self.roots))
        return torch.cat([self._means(part) for part in torch.split(inputs, n)])

    def rescale(self, scale: float, location: float) -> None:
        """Move what leaves say."""
        self.leaves.mul_(scale).add_(location)

    def check(self, n_inputs: int) -> None:
        """Refuse trees of which a node leads elsewhere than on, or asks for what is not there."""
        n_nodes, _, n_leaves, _ = self.sizes
        place = torch.arange(n_nodes)
        leaf, row = self.feature < 0, -1 - self.feature
        ends = torch.searchsorted(self.roots, place.int(), right=True)
        last = torch.cat([self.roots[1:], torch.tensor([n_nodes], dtype=torch.int32)])[ends - 1]
        after = (self.below > place[:, None]) & (self.below < last[:, None])
        sound = [
            after[~leaf].all(),  # children come after their parents, so it ends
            (self.below == place[:, None])[leaf].all(),
            (row < n_leaves).all(),
            (self.feature < n_inputs).all(),
            self.roots[0] == 0,
            (self.roots.diff() > 0).all(),
            self.roots[-1] < n_nodes,
            self.threshold.isfinite().all(),
            self.leaves.isfinite().all(),
        ]
        if not all(map(bool, sound)):
            raise InputError("the trees lead nowhere")

    def _means(self, inputs: Tensor) -> Tensor:
        n_trees, width = len(self.roots), inputs.shape[1]
        flat, below = inputs.float().flatten(), self.below.flatten()
        node = self.roots.repeat(len(inputs))
        first = torch.arange(len(inputs), device=inputs.device).repeat_interleave(n_trees) * width
        place = torch.arange(len(node), device=inputs.device)
        ends = torch.empty_like(node)
        while len(node):
            for _ in range(_LEVELS):  # who is at a leaf stays there, whatever it asks for
                asks = self.feature.index_select(0, node).clamp_(min=0)
                goes_right = flat.index_select(0, first + asks) > self.threshold[node]
                node = below.index_select(0, (2 * node).add_(goes_right))
            ends[place] = node
            walks = (self.feature.index_select(0, node) >= 0).nonzero().squeeze(1)
            node, first, place = (each.index_select(0, walks) for each in (node, first, place))
        return self.leaves[-1 - self.feature[ends]].view(len(inputs), n_trees, -1).mean(1)

    def _fill(self, name: str, values: NDArray[Any]) -> None:
        buffer = self.get_buffer(name)
        buffer.copy_(torch.from_numpy(np.ascontiguousarray(values)).to(buffer.dtype))


class _StepTree:
    """Nodes of a step of boosting under the names that trees of a forest have."""

    def __init__(self, nodes: NDArray[Any]) -> None:
        leaf = nodes["is_leaf"] == 1
        self.node_count = len(nodes)
        self.children_left = np.where(leaf, -1, nodes["left"].astype(np.int64))
        self.children_right = np.where(leaf, -1, nodes["right"].astype(np.int64))
        self.feature = nodes["feature_idx"].astype(np.int64)
        self.threshold = np.where(leaf, 0.0, nodes["num_threshold"])


class LinearPart(TaskPart):
    """A linear model of one task, with its link.

    Its weights have a row for a number or for two classes, else one per class.

    Args:
        sizes: Numbers of rows of the weights, inputs, classes (1 for a number) and columns.
    """

    weight: Tensor
    bias: Tensor
    table: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        n_rows, n_inputs, n_classes, n_columns = sizes
        self.register_buffer("weight", torch.zeros(n_rows, n_inputs, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(n_rows, dtype=torch.float64))
        self.register_buffer("table", torch.zeros(n_classes, n_columns, dtype=torch.float64))

    @classmethod
    def of(
        cls, coef: NDArray[Any], intercept: NDArray[Any], table: NDArray[np.float64]
    ) -> "LinearPart":
        """From what was estimated.

        Args:
            coef: Weights, a row per number or class; one row for two classes.
            intercept: Of each row.
            table: What `table_of` gave.
        """
        rows = np.atleast_2d(coef)
        made = cls((*rows.shape, *table.shape))
        for name, values in (
            ("weight", rows),
            ("bias", np.atleast_1d(intercept)),
            ("table", table),
        ):
            made.get_buffer(name).copy_(torch.from_numpy(values))
        return made

    @classmethod
    def constant(cls, columns: NDArray[np.float64], n_inputs: int) -> "LinearPart":
        """The same for every row."""
        return cls.of(np.zeros((1, n_inputs)), np.ones(1), columns[None])

    @property
    def sizes(self) -> Sizes:
        """Numbers of rows of the weights, inputs, classes and columns."""
        return (*self.weight.shape, *self.table.shape)

    @classmethod
    def numbers(cls, sizes: Sizes) -> int:
        """Weights, biases and the table."""
        n_rows, n_inputs, n_classes, n_columns = sizes
        return n_rows * (n_inputs + 1) + n_classes * n_columns

    def forward(self, inputs: Float[Tensor, "row input"]) -> Float[Tensor, "row column"]:
        """Values, or probabilities."""
        scores = nn.functional.linear(inputs.double(), self.weight, self.bias)
        if len(self.table) > 1:
            one = scores.shape[1] == 1
            scores = (
                torch.cat([(-scores).sigmoid(), scores.sigmoid()], 1) if one else scores.softmax(1)
            )
        return scores @ self.table

    def rescale(self, scale: float, location: float) -> None:
        """Move the one number that it predicts."""
        self.weight.mul_(scale)
        self.bias.mul_(scale).add_(location)

    def check(self, n_inputs: int) -> None:
        """Refuse a width other than that of a row, and what is no number."""
        n_rows, width, n_classes, _ = self.sizes
        fits = width == n_inputs and (n_rows == n_classes or (n_rows, n_classes) == (1, 2))
        if not fits or not all(bool(each.isfinite().all()) for each in self.buffers()):
            raise InputError("the weights of a task make no linear model")


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest numbers of single precision that are no larger: rows are of single precision."""
    near = thresholds.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, below, near)


@dataclass(frozen=True)
class _Settings:
    n_inputs: int
    sizes: tuple[int, ...]


class PerTaskModel(TaskModel):
    """A fitted model for each task; they know nothing of each other.

    Args:
        tasks: The tasks.
        parts: Of each task.
        n_inputs: Width of a flattened row.
    """

    gives_predictions = True
    part: ClassVar[type[Forest | LinearPart]]

    def __init__(self, tasks: TaskSet, parts: Sequence[TaskPart], n_inputs: int) -> None:
        super().__init__()
        self.tasks, self._n_inputs = tasks, n_inputs
        self.parts = nn.ModuleList(parts)

    def forward(self, inputs: Tensor) -> Float[Tensor, "batch column"]:
        """Values, or probabilities, in the columns that `TaskSet` tells."""
        rows = inputs.flatten(1)
        return torch.cat([part(rows) for part in self.parts], dim=1)

    @property
    def tree(self) -> SharingTree:
        """One stage, of which every task has its own."""
        return SharingTree.separate(self.tasks.names, 1)

    def check(self) -> None:
        """Refuse numbers of a file that make no model."""
        for part in self._every():
            part.check(self._n_inputs)

    def settings(self) -> Mapping[str, Setting]:
        """The width of a row, and four sizes of each part."""
        sizes = [size for part in self._every() for size in part.sizes]
        return {"n_inputs": self._n_inputs, "sizes": sizes}

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """Those of all parts."""
        return sum(map(cls.part.numbers, _sizes(_read(cls, settings))))

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """One like one that was saved.

        Raises:
            InputError: If the sizes are not those of as many tasks and their columns.
        """
        own = _read(cls, settings)
        sizes = _sizes(own)
        if [size[-1] for size in sizes] != [task.kind.n_outputs for task in parts.tasks]:
            raise InputError("there must be four sizes per task, the last its number of columns")
        return cls(parts.tasks, [cls.part(size) for size in sizes], own.n_inputs)

    def _every(self) -> list[TaskPart]:
        return [part for part in self.parts if isinstance(part, TaskPart)]


class ForestModel(PerTaskModel):
    """A random forest for each task."""

    kind = "forest"
    part = Forest


class LinearPerTaskModel(PerTaskModel):
    """A linear model for each task, with its link."""

    kind = "linear-per-task"
    part = LinearPart


def _read(cls: type[TaskModel], settings: Mapping[str, Setting]) -> _Settings:
    own = read_settings(_Settings, settings, f"a model {quoted(cls.kind)}")
    if own.n_inputs < 1 or min(own.sizes, default=0) < 1 or len(own.sizes) % 4:
        raise InputError(
            f"the sizes of a model {quoted(cls.kind)} must be 1 or more, four per task"
        )
    return own


def _sizes(own: _Settings) -> list[Sizes]:
    every = iter(own.sizes)
    return list(zip(every, every, every, every, strict=True))
