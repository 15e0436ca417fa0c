"""A trained model that takes raw rows, and its two files."""

from itertools import chain
from pathlib import Path

import torch
from jaxtyping import Float, Shaped
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ramify._core import (
    InputError,
    ModelFileError,
    check_plain_file,
    machine_memory,
    quoted,
    replacing,
    sha256_of,
)
from ramify.data import ImageEncoder, TableEncoder
from ramify.losses import TaskLosses
from ramify.networks import (
    NETWORKS,
    BackboneSpec,
    TaskModel,
    n_parameters,
    network_from,
    spec_from,
)
from ramify.records import read_json, write_json
from ramify.runs._manifest import (
    MODEL_VERSION,
    BackboneCard,
    ImageCard,
    Manifest,
    NetworkCard,
    TableCard,
    TaskCard,
    without_backbone,
)
from ramify.tasks import SharingTree, TaskSet

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"

_USUAL_COUNT = 256  # that is not necessarily the size of a tensor
_UNSUSPICIOUS = 150_000_000  # numbers of the stages that a factorised network is made from
_LARGEST_FACTOR = 100

Encoder = TableEncoder | ImageEncoder


class Model(nn.Module):
    """Encoder, what was fitted, and output conversion in one module: raw rows to predictions.

    Args:
        encoder: Raw rows to inputs.
        network: What was fitted.
        backbone: What the stages of a network were made from; None of all else.
    """

    def __init__(
        self, encoder: Encoder, network: TaskModel, backbone: BackboneSpec | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.network, self.backbone = encoder, network, backbone
        self.losses = TaskLosses(network.tasks)
        self.eval()

    @property
    def tasks(self) -> TaskSet:
        """The tasks."""
        return self.network.tasks

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return next(chain(self.parameters(), self.buffers())).device

    def forward(self, raw: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row column"]:
        """Probabilities, or values in the target's own unit, one column per output.

        Args:
            raw: Rows of a table ``(row, column)``, or pictures ``(row, channel, height, width)``
                of bytes.
        """
        outputs: Tensor = self.network(self.encoder(raw))
        return outputs if self.network.gives_predictions else self.losses.predictions(outputs)

    def save(self, directory: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``."""
        weights = directory / WEIGHTS_FILE
        with replacing(weights) as temporary:
            save_file({n: t.contiguous() for n, t in self.state_dict().items()}, temporary)
        write_json(self._card(sha256_of(weights)), directory / CARD_FILE)

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read a saved model. Nothing in the files is run.

        Raises:
            ModelFileError: If a file is missing, damaged, changed, or of another version.
        """
        card = read_json(
            Manifest,
            directory / CARD_FILE,
            MODEL_VERSION,
            "model description",
            {2: without_backbone},
        )
        tensors = _read_weights(directory / WEIGHTS_FILE, card)
        try:
            _check_counts(card, tensors)
            _check_size(card, tensors)
            model = _built(card)
            _check_types(model, tensors)
            model.load_state_dict(tensors)
            _check_columns(model.encoder)
            model.network.check()
        except (RuntimeError, InputError, ValidationError) as error:
            raise ModelFileError(
                f"{quoted(directory)} holds weights and a description that do not fit each other: "
                f"{str(error).splitlines()[0]}; fit again"
            ) from None
        return model

    def _card(self, digest: str) -> Manifest:
        return Manifest(
            weights_sha256=digest,
            tasks=[TaskCard.of(task) for task in self.tasks],
            inputs=_inputs_card(self.encoder),
            backbone=None if self.backbone is None else BackboneCard.of(self.backbone),
            network=NetworkCard(kind=self.network.kind, settings=dict(self.network.settings())),
            stages=[[list(group) for group in stage] for stage in self.network.tree.stages],
        )


def _inputs_card(encoder: Encoder) -> TableCard | ImageCard:
    if isinstance(encoder, ImageEncoder):
        return ImageCard(images=encoder.schema)
    return TableCard(features=encoder.schema, n_features=encoder.n_features)


def _built(card: Manifest) -> Model:
    encoder, backbone = _encoder(card), _backbone(card)
    return Model(encoder, _network(card, backbone, encoder), backbone)


def _backbone(card: Manifest) -> BackboneSpec | None:
    return None if card.backbone is None else spec_from(card.backbone.kind, card.backbone.settings)


def _encoder(card: Manifest) -> Encoder:
    if isinstance(card.inputs, ImageCard):
        return ImageEncoder(card.inputs.images)
    return TableEncoder(card.inputs.features, card.inputs.n_features)


def _network(card: Manifest, backbone: BackboneSpec | None, encoder: Encoder) -> TaskModel:
    tasks = TaskSet([each.task() for each in card.tasks])
    stages = tuple(tuple(tuple(group) for group in stage) for stage in card.stages)
    tree = SharingTree(tasks.names, stages)
    with torch.random.fork_rng([]):  # start weights are drawn and then replaced
        built = nn.Sequential() if backbone is None else backbone.build(encoder.shape)
        width = None if backbone is None else backbone.n_features
        kind, settings = card.network.kind, card.network.settings
        return network_from(kind, settings, built, tree, tasks, n_features=width)


def _check_counts(card: Manifest, tensors: dict[str, Tensor]) -> None:
    """Refuse counts that no tensor of the weights' file has.

    Widths, stages and experts are sizes or numbers of tensors. What a description says beyond that
    would cost memory or minutes before it was found not to fit.
    """
    sizes = [size for tensor in tensors.values() for size in tensor.shape]
    most = max(_USUAL_COUNT, len(tensors), *sizes)
    told = [card.network.settings, {} if card.backbone is None else card.backbone.settings]
    for name, setting in chain.from_iterable(each.items() for each in told):
        values = setting if isinstance(setting, list | tuple) else [setting]
        counts = [len(values), *(abs(each) for each in values if isinstance(each, int))]
        if max(counts) > most:
            raise InputError(f"`{name}` has {max(counts):,}, the file has no size above {most:,}")


def _check_size(card: Manifest, tensors: dict[str, Tensor]) -> None:
    """Refuse a description of a model that is larger than the weights' file."""
    backbone, stages = _backbone(card), 0
    if backbone is not None:
        with torch.device("meta"):
            stages = n_parameters(backbone.build(_encoder(card).shape))
    kind = NETWORKS.get(card.network.kind)
    least = 0 if kind is None else kind.least_numbers(card.network.settings, stages)
    held = sum(tensor.numel() for tensor in tensors.values())
    if least > held:
        raise InputError(f"the model needs {least:,} numbers or more, the file has {held:,}")
    if stages > max(_UNSUSPICIOUS, _LARGEST_FACTOR * held):  # of those that may be smaller
        raise InputError(f"its stages have {stages:,} numbers, the file has {held:,}")


def _check_types(model: Model, tensors: dict[str, Tensor]) -> None:
    """Refuse fractions where whole numbers belong: reading them would round in silence."""
    for name, wanted in model.state_dict().items():
        given = tensors.get(name, wanted)
        if given.is_floating_point() and not wanted.is_floating_point():
            raise InputError(f"{quoted(name)} must be whole numbers")


def _check_columns(encoder: Encoder) -> None:
    if isinstance(encoder, ImageEncoder):
        return
    source, n_raw = encoder.source, encoder.schema.n_raw
    if bool(((source < 0) | (source >= n_raw)).any()):
        raise InputError(f"the encoder reads columns beyond the {n_raw} of the description")


def _read_weights(path: Path, card: Manifest) -> dict[str, Tensor]:
    try:
        check_plain_file(path, machine_memory())
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
