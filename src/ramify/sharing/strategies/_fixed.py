"""Ways of sharing whose tree is known before training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from ramify._core import InputError, Option, OptionContext, checked, listed, quoted
from ramify.networks import Backbone, BranchedNetwork, stages_of
from ramify.sharing._protocols import Moment, Proposal, Restructuring
from ramify.sharing._strategy import Sharing
from ramify.tasks import SharingTree, TaskSet


def read_tree(path: Path | str) -> SharingTree:
    """The tree that a JSON file holds, see `SharingTree.to_json`.

    Args:
        path: The file.

    Raises:
        InputError: If there is no such file, or it does not hold a tree.
    """
    try:
        return SharingTree.from_json(Path(path).read_text(encoding="utf-8-sig"))
    except InputError as error:
        raise InputError(f"`tree` {quoted(path)}: {error}") from None
    except OSError as error:
        raise InputError(
            f"`tree` {quoted(path)} cannot be read: {error.strerror}; name a JSON file"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"`tree` {quoted(path)} must be UTF-8 text; name a JSON file") from None


GROWING: Final = Option(
    "growing_epochs",
    "Epochs of the shared network before a tree is found or the given one begins (4 by default with "
    "`epochs`, else a quarter of the training).",
    anywhere=True,
)
"""The option of every strategy that first trains one shared network."""


@dataclass(frozen=True)
class HardSharing(Sharing):
    """One network for all tasks: they share every stage and have only their heads to themselves.

    References:
        Caruana. *Multitask Learning*, 1997.
    """

    name = "hard"
    label = "one shared network"
    structure = "tree"

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The shared network."""
        tree = SharingTree.shared(tasks.names, len(stages_of(backbone)))
        return BranchedNetwork(backbone, tree, tasks, n_features=n_features)


@checked
@dataclass(frozen=True)
class SingleTask(Sharing):
    """One network per task, all trained in one go; they share nothing.

    All start from the same weights of the backbone.
    """

    name = "single-task"
    label = "one network per task"
    structure = "tree"
    shares = False

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The separate networks, stacked."""
        tree = SharingTree.separate(tasks.names, len(stages_of(backbone)))
        return BranchedNetwork(backbone, tree, tasks, n_features=n_features)


@checked
@dataclass(frozen=True)
class FixedTree(Sharing, Restructuring):
    """The tree that the user gives.

    Attributes:
        tree: Over the tasks, in any order, one level per stage of the backbone.
        growing_epochs_first: Epochs in which one shared network is trained before it is divided
            into the tree, as `FullyAdaptive` does; 0 starts with the tree, None is for as many as
            it would take.
        estimator: Widths of the dense stages that follow the backbone's, see `BranchedNetwork`.

    Raises:
        InputError: If the number of epochs is negative.
    """

    name = "tree"
    label = "the tree that was given"
    structure = "tree"
    options = (
        Option(
            "tree",
            "JSON file of the tree for the way of sharing called tree.",
            type=Path,
            needed_by=("",),
        ),
        replace(GROWING, sets="growing_epochs_first"),
    )

    tree: SharingTree
    growing_epochs_first: int | None = 0
    estimator: tuple[int, ...] = ()

    def for_tasks(self, names: Sequence[str]) -> Self:
        """The same for some of the tasks."""
        return replace(self, tree=self.tree.restricted(names))

    def __post_init__(self) -> None:
        """Check the number of epochs."""
        if (self.growing_epochs_first or 0) < 0:
            raise InputError(
                f"`growing_epochs_first` must be 0 or more. Got {self.growing_epochs_first}"
            )

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """With the tree of the file; grown at first, as a learned one is.

        Raises:
            InputError: If there is no such file, or it holds no tree.
        """
        path = given.get("tree")
        if path is None:
            raise InputError("must be given: the JSON file of a tree", argument="tree")
        usual = {"growing_epochs_first": None, **given, "tree": read_tree(path)}
        return super().from_options(form, usual, context)

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The network of the tree, or the shared one that it will be divided from.

        Raises:
            InputError: If the tree does not fit the backbone or the tasks.
        """
        widths, tree = self.estimator, self._over(tasks)
        network = BranchedNetwork(backbone, tree, tasks, n_features=n_features, estimator=widths)
        if self.growing_epochs_first == 0:
            return network
        shared = SharingTree.shared(tasks.names, tree.n_stages)
        return BranchedNetwork(backbone, shared, tasks, n_features=n_features, estimator=widths)

    def warm_up_epochs(self, n_tasks: int) -> int | None:
        """Epochs of the shared network before it is divided."""
        return self.growing_epochs_first

    def steps_between(self, steps_per_epoch: int) -> int:
        """Any number: the division comes at the end of the warm-up, or the tree is there at once."""
        return steps_per_epoch

    def proposals(
        self, network: BranchedNetwork, moment: Moment | None = None
    ) -> Sequence[Proposal]:
        """The tree, if the network is not it yet."""
        tree = self._over(network.tasks)
        return [] if network.tree == tree else [Proposal(tree)]

    def _over(self, tasks: TaskSet) -> SharingTree:
        """The tree with its tasks in the order of those that are learned."""
        if missing := [name for name in tasks.names if name not in self.tree.tasks]:
            raise InputError(f"`tree` must hold every task. It lacks {listed(missing)}")
        if unknown := [name for name in self.tree.tasks if name not in tasks.names]:
            raise InputError(f"`tree` must hold no other tasks. It also has {listed(unknown)}")
        return SharingTree(tasks.names, self.tree.stages)
