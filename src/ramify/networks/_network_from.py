"""Networks of every kind from what a file says of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from ramify._core import InputError, listed, quoted
from ramify.networks._attached import AttachedNetwork
from ramify.networks._attention import AttentionNetwork
from ramify.networks._branched import BranchedNetwork
from ramify.networks._experts import ExpertNetwork, ExpertPlan
from ramify.networks._factorised import FactorisedNetwork
from ramify.networks._specs import Setting
from ramify.networks._stages import Backbone
from ramify.networks._stitched import StitchedNetwork
from ramify.networks._stitching import Stitching
from ramify.networks._task_network import TaskNetwork
from ramify.tasks import SharingTree, TaskSet

Plain = TypeVar("Plain")


@dataclass(frozen=True)
class _Parts:
    """What every network is built from."""

    backbone: Backbone
    tree: SharingTree
    tasks: TaskSet
    n_features: int | None

    def columns(self, estimator: Sequence[int] = ()) -> BranchedNetwork:
        return BranchedNetwork(
            self.backbone,
            self.tree,
            self.tasks,
            n_features=self.n_features,
            estimator=estimator,
        )


@dataclass(frozen=True)
class _Factorised:
    form: str
    ranks: tuple[int, ...]


@dataclass(frozen=True)
class _Attention:
    hidden: int = 32


@dataclass(frozen=True)
class _Attached:
    attached: tuple[int, ...]


@dataclass(frozen=True)
class _Branched:
    estimator: tuple[int, ...] = ()


def network_from(
    kind: str,
    settings: Mapping[str, Setting],
    backbone: Backbone,
    tree: SharingTree,
    tasks: TaskSet,
    *,
    n_features: int | None = None,
) -> TaskNetwork:
    """A network like one that was saved; its weights are to be loaded.

    Args:
        kind: What its `TaskNetwork.kind` was.
        settings: What its `TaskNetwork.settings` gave.
        backbone: A backbone of the same shape.
        tree: What its `TaskNetwork.tree` was.
        tasks: The tasks.
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
            f"`kind` of a network must be one of {listed(NETWORKS)}. Got {quoted(kind)}"
        )
    return NETWORKS[kind](_Parts(backbone, tree, tasks, n_features), settings)


def _branched(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    return parts.columns(_read(_Branched, settings, BranchedNetwork.kind).estimator)


def _stitched(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    return StitchedNetwork(parts.columns(), _read(Stitching, settings, StitchedNetwork.kind))


def _factorised(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    way = _read(_Factorised, settings, FactorisedNetwork.kind)
    return FactorisedNetwork(parts.columns(), way.form, way.ranks)


def _experts(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    plan = _read(ExpertPlan, settings, ExpertNetwork.kind)
    return ExpertNetwork(parts.backbone, parts.tasks, plan, n_features=parts.n_features)


def _attention(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    hidden = _read(_Attention, settings, AttentionNetwork.kind).hidden
    return AttentionNetwork(parts.backbone, parts.tasks, hidden=hidden, n_features=parts.n_features)


def _attached(parts: _Parts, settings: Mapping[str, Setting]) -> TaskNetwork:
    attached = _read(_Attached, settings, AttachedNetwork.kind).attached
    return AttachedNetwork(
        parts.backbone, parts.tree, parts.tasks, attached, n_features=parts.n_features
    )


NETWORKS: dict[str, Callable[[_Parts, Mapping[str, Setting]], TaskNetwork]] = {
    BranchedNetwork.kind: _branched,
    StitchedNetwork.kind: _stitched,
    FactorisedNetwork.kind: _factorised,
    ExpertNetwork.kind: _experts,
    AttentionNetwork.kind: _attention,
    AttachedNetwork.kind: _attached,
}
"""How every kind of network is built again."""


def _read(form: type[Plain], settings: Mapping[str, Setting], kind: str) -> Plain:
    known = [field.name for field in fields(form)]  # type: ignore[arg-type]  # all are dataclasses
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise InputError(
            f"the settings of a network {quoted(kind)} are {listed(known) or 'none'}. "
            f"Got {quoted(unknown[0])}"
        )
    try:
        return TypeAdapter(form).validate_json(json.dumps(dict(settings)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{quoted(place)} of a network {quoted(kind)} does not fit: {first['msg']}"
        ) from None
