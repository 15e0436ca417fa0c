"""A trained model that takes raw columns, and its two files."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ramify._core import (
    InputError,
    ModelFileError,
    quoted,
    replacing,
    sha256_of,
    write_atomically,
)
from ramify.data import TableEncoder, TableSchema
from ramify.losses import TaskLosses
from ramify.networks import BranchedNetwork, mlp
from ramify.records import read_json
from ramify.tasks import Binary, Kind, Multiclass, Regression, SharingTree, Task, TaskSet

MODEL_VERSION = 1
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskCard(_Part):
    """One task of a saved model."""

    name: str
    kind: Literal["binary", "multiclass", "regression"]
    classes: list[str] = []
    location: float = 0.0
    scale: float = 1.0
    weight: float = 1.0


class ModelCard(_Part):
    """Everything of a saved model but its weights.

    Attributes:
        format_version: Version of this form.
        weights_sha256: Digest of the weights' file, so that a damaged or changed one is noticed.
        tasks: The tasks in order.
        features: The raw columns.
        n_features: Width of the encoded row.
        hidden: Width of each stage.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        stages: The sharing tree.
    """

    format_version: Literal[1] = 1
    weights_sha256: str
    tasks: list[TaskCard]
    features: TableSchema
    n_features: int
    hidden: list[int]
    dropout: float
    input_dropout: float
    stages: list[list[list[str]]]


class TableModel(nn.Module):
    """Encoder, branched network and output conversion in one module: raw rows to predictions.

    Args:
        encoder: Raw columns to network inputs.
        network: The trained network.
        hidden: Width of each stage of its multilayer perceptron.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
    """

    def __init__(
        self,
        encoder: TableEncoder,
        network: BranchedNetwork,
        *,
        hidden: Sequence[int],
        dropout: float,
        input_dropout: float,
    ) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network
        self.losses = TaskLosses(network.tasks)
        self.hidden, self.dropout, self.input_dropout = list(hidden), dropout, input_dropout
        self.eval()

    @property
    def tasks(self) -> TaskSet:
        """The tasks."""
        return self.network.tasks

    @property
    def schema(self) -> TableSchema:
        """The raw columns."""
        return self.encoder.schema

    def forward(self, raw: Float[Tensor, "row raw"]) -> Float[Tensor, "row column"]:
        """Probabilities, or values in the target's own unit, one column per output."""
        return self.losses.predictions(self.network(self.encoder(raw)))

    def save(self, directory: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``."""
        weights = directory / WEIGHTS_FILE
        with replacing(weights) as temporary:
            save_file({n: t.contiguous() for n, t in self.state_dict().items()}, temporary)
        card = self._card(sha256_of(weights))
        write_atomically(directory / CARD_FILE, card.model_dump_json(indent=1))

    @classmethod
    def load(cls, directory: Path) -> "TableModel":
        """Read a saved model. Nothing in the files is run.

        Raises:
            ModelFileError: If a file is missing, damaged, changed, or of a newer version.
        """
        card = read_json(ModelCard, directory / CARD_FILE, MODEL_VERSION, "model description")
        tensors = _read_weights(directory / WEIGHTS_FILE, card)
        try:
            _check_size(card, tensors)
            model = _built(card)
            model.load_state_dict(tensors)
            _check_columns(model.encoder)
        except (RuntimeError, InputError, ValidationError) as error:
            raise ModelFileError(
                f"{quoted(directory)} holds weights and a description that do not fit each other: "
                f"{str(error).splitlines()[0]}; fit again"
            ) from None
        return model

    def _card(self, digest: str) -> ModelCard:
        return ModelCard(
            weights_sha256=digest,
            tasks=[_task_card(task) for task in self.tasks],
            features=self.schema,
            n_features=self.encoder.n_features,
            hidden=self.hidden,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
            stages=[[list(group) for group in stage] for stage in self.network.tree.stages],
        )


def _built(card: ModelCard) -> TableModel:
    tasks = TaskSet([_task(each) for each in card.tasks])
    stages = tuple(tuple(tuple(group) for group in stage) for stage in card.stages)
    drops = {"dropout": card.dropout, "input_dropout": card.input_dropout}
    with torch.random.fork_rng([]):  # start weights are drawn and then replaced
        backbone = mlp(card.n_features, card.hidden, **drops)
        network = BranchedNetwork(backbone, SharingTree(tasks.names, stages), tasks)
    encoder = TableEncoder(card.features, card.n_features)
    return TableModel(encoder, network, hidden=card.hidden, **drops)


def _check_size(card: ModelCard, tensors: dict[str, Tensor]) -> None:
    """Refuse a description of a network that is larger than the weights' file."""
    weights = sum(abs(a * b) for a, b in pairwise([card.n_features, *card.hidden]))
    held = sum(tensor.numel() for tensor in tensors.values())
    if weights > held:
        raise InputError(f"the widths need {weights:,} weights or more, the file has {held:,}")


def _check_columns(encoder: TableEncoder) -> None:
    source, n_raw = encoder.source, encoder.schema.n_raw
    if bool(((source < 0) | (source >= n_raw)).any()):
        raise InputError(f"the encoder reads columns beyond the {n_raw} of the description")


def _read_weights(path: Path, card: ModelCard) -> dict[str, Tensor]:
    try:
        if sha256_of(path) != card.weights_sha256:
            raise ModelFileError(
                f"{quoted(path)} is not the file that {CARD_FILE} describes: it is cut off, was "
                "changed, or belongs to another run; fit again or restore it"
            )
        return load_file(path)
    except FileNotFoundError:
        raise ModelFileError(
            f"no weights at {quoted(path)}; name a directory that `ramify fit` finished"
        ) from None
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"cannot read the weights {quoted(path)}: {error}") from None


def _task_card(task: Task) -> TaskCard:
    kind = task.kind
    return TaskCard(
        name=task.name,
        kind=kind.name,
        classes=list(kind.classes) if isinstance(kind, Binary | Multiclass) else [],
        location=kind.location if isinstance(kind, Regression) else 0.0,
        scale=kind.scale if isinstance(kind, Regression) else 1.0,
        weight=task.weight,
    )


def _task(card: TaskCard) -> Task:
    kind: Kind
    if card.kind == "regression":
        kind = Regression(card.location, card.scale)
    elif card.kind == "multiclass":
        kind = Multiclass(tuple(card.classes))
    elif len(card.classes) == 2:
        kind = Binary((card.classes[0], card.classes[1]))
    else:
        raise InputError(f"a binary task has two classes. Got {len(card.classes)}")
    return Task(card.name, kind, card.weight)
