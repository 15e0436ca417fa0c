"""Networks of every kind from what a file says of them."""

from collections.abc import Mapping
from typing import Final

from ramify._core import InputError, Registry, Setting, listed, quoted
from ramify.networks.architectures import (
    AttachedNetwork,
    AttentionNetwork,
    ExpertNetwork,
    FactorisedNetwork,
    StitchedNetwork,
)
from ramify.networks.backbones import Backbone, Parts
from ramify.networks.branched import BranchedNetwork, TaskModel, TaskNetwork
from ramify.tasks import Binary, SharingTree, Task, TaskSet

NETWORKS: Final[Registry[TaskModel]] = Registry(
    TaskModel,
    "model",
    "ramify.networks",
    [
        *(BranchedNetwork, StitchedNetwork, FactorisedNetwork),
        *(ExpertNetwork, AttentionNetwork, AttachedNetwork),
    ],
    key="kind",
    through={"ramify.strategies": lambda strategy: strategy.models()},
)
"""Every kind of network, and of what else is fitted, by the name that files use."""


def network_from(
    kind: str,
    settings: Mapping[str, Setting],
    backbone: Backbone,
    tree: SharingTree,
    tasks: TaskSet,
    *,
    n_features: int | None = None,
) -> TaskModel:
    """A network like one that was saved; its weights are to be loaded.

    Args:
        kind: What its `TaskModel.kind` was.
        settings: What its `TaskModel.settings` gave.
        backbone: A backbone of the same shape.
        tree: What its `TaskModel.tree` was.
        tasks: The tasks. Others that the tree names were auxiliary ones, whose features they read.
        n_features: As for `BranchedNetwork`.

    Raises:
        InputError: If the kind is unknown, or a setting is unknown or does not fit.

    Example:
        >>> from torch import nn
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task(name, Binary()) for name in "ab"])
        >>> tree = SharingTree.shared("ab", 1)
        >>> network = network_from("experts", {"n_shared": 2}, [nn.Linear(8, 4)], tree, tasks)
        >>> network.settings()["n_shared"]
        2
    """
    if kind not in NETWORKS:
        raise InputError(
            f"`kind` of a model must be one of {listed(NETWORKS, len(NETWORKS))}. "
            f"Got {quoted(kind)}; if it is your own, call `ramify.register` with its class first"
        )
    known = {task.name: task for task in tasks}
    every = [known.get(name) or Task(name, Binary(), role="auxiliary") for name in tree.tasks]
    whole = tasks if tree.tasks == tasks.names else TaskSet(every)
    network = NETWORKS[kind].rebuilt(Parts(backbone, tree, whole, n_features), settings)
    if whole is tasks or not isinstance(network, TaskNetwork):
        return network
    return network.without_auxiliary()
