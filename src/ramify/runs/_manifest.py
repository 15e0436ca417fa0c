"""What a saved model says of itself: everything but its weights."""

from math import prod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ramify._core import InputError, Setting
from ramify.data import ImageSchema, TableSchema
from ramify.networks import BackboneSpec
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression, Task

MODEL_VERSION = 3


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskCard(_Part):
    """One task of a saved model."""

    name: str
    kind: Literal["binary", "multiclass", "ordinal", "ranking", "regression"]
    classes: list[str] = []
    location: float = 0.0
    scale: float = 1.0
    weight: float = 1.0
    varies: bool = True

    @classmethod
    def of(cls, task: Task) -> "TaskCard":
        """Describe a task."""
        kind = task.kind
        return cls(
            name=task.name,
            kind=kind.name,
            classes=list(kind.labels),
            location=kind.location if isinstance(kind, Regression) else 0.0,
            scale=kind.scale if isinstance(kind, Regression) else 1.0,
            weight=task.weight,
            varies=task.varies,
        )

    def task(self) -> Task:
        """The task that is described.

        Raises:
            InputError: If there is no such task.
        """
        kind: Kind
        if self.kind == "regression":
            kind = Regression(self.location, self.scale)
        elif self.kind == "multiclass":
            kind = Multiclass(tuple(self.classes))
        elif self.kind == "ordinal":
            kind = Ordinal(tuple(self.classes))
        elif self.kind == "ranking":
            kind = Ranking()
        elif len(self.classes) == 2:
            kind = Binary((self.classes[0], self.classes[1]))
        else:
            raise InputError(f"a binary task has two classes. Got {len(self.classes)}")
        return Task(self.name, kind, self.weight, self.varies)


class TableCard(_Part):
    """Inputs from a table.

    Attributes:
        kind: The word that tells it from other inputs.
        features: The raw columns.
        n_features: Width of the encoded row.
    """

    kind: Literal["table"] = "table"
    features: TableSchema
    n_features: int


class ImageCard(_Part):
    """Inputs from pictures.

    Attributes:
        kind: The word that tells it from other inputs.
        images: Their size, and how pixels become numbers.
    """

    kind: Literal["images"] = "images"
    images: ImageSchema


class BackboneCard(_Part):
    """A built-in backbone, see `ramify.networks.spec_from`."""

    kind: str
    settings: dict[str, Setting]

    @classmethod
    def of(cls, spec: BackboneSpec) -> "BackboneCard":
        """Describe a backbone."""
        return cls(kind=spec.kind, settings=spec.settings())


class NetworkCard(_Part):
    """What a network does with its backbone, or what else was fitted; see `network_from`."""

    kind: str = "branched"
    settings: dict[str, Setting] = {}


class Manifest(_Part):
    """Everything of a saved model but its weights.

    Attributes:
        format_version: Version of this form.
        weights_sha256: Digest of the weights' file, so that a damaged or changed one is noticed.
        tasks: The tasks in order.
        inputs: What the model reads of a raw row.
        backbone: A network's stages; None of all else.
        network: What it does with them, or what else was fitted.
        stages: The sharing tree.
    """

    format_version: Literal[3] = 3
    weights_sha256: str
    tasks: list[TaskCard]
    inputs: Annotated[TableCard | ImageCard, Field(discriminator="kind")]
    backbone: BackboneCard | None = None
    network: NetworkCard = NetworkCard()
    stages: list[list[list[str]]]


def without_backbone(card: dict[str, Any]) -> dict[str, Any]:
    """A description of version 2, in which a linear model was a network of no layers."""
    backbone = card["backbone"]
    if backbone["kind"] == "linear":
        n_inputs = prod(int(size) for size in backbone["settings"]["shape"])
        network = {"kind": "linear", "settings": {"n_inputs": n_inputs}}
        card = card | {"backbone": None, "network": network}
    return card | {"format_version": 3}
