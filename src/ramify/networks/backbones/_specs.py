"""Descriptions of the built-in backbones, from which a saved network is built again."""

import json
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeVar

from pydantic import TypeAdapter, ValidationError
from torch import nn

from ramify._core import (
    Described,
    InputError,
    Option,
    OptionContext,
    Registry,
    Setting,
    ShapeError,
    check_count,
    checked,
    listed,
    quoted,
)
from ramify.networks.backbones._cnn import cnn
from ramify.networks.backbones._mlp import mlp
from ramify.networks.backbones._resnet import Depth, Stem, resnet
from ramify.networks.backbones._stages import Backbone
from ramify.networks.backbones._vgg import VGG16_DENSE_WIDTH, vgg16
from ramify.tasks import SharingTree, TaskSet

Plain = TypeVar("Plain")


@dataclass(frozen=True)
class Parts:
    """What every network is built from.

    Attributes:
        backbone: A backbone of the same shape; none of what has no backbone.
        tree: Which tasks share which stages.
        tasks: The tasks.
        n_features: As for `BranchedNetwork`.
    """

    backbone: Backbone
    tree: SharingTree
    tasks: TaskSet
    n_features: int | None = None


def read_settings(form: type[Plain], settings: Mapping[str, Setting], what: str) -> Plain:
    """Settings of a file as a dataclass.

    Args:
        form: The dataclass. What is absent keeps its default.
        settings: By name.
        what: Whose they are, for messages.

    Raises:
        InputError: If one is unknown, missing, or has the wrong type.
    """
    known = [field.name for field in fields(form)]  # type: ignore[arg-type]  # all are dataclasses
    if unknown := [name for name in settings if name not in known]:
        raise InputError(
            f"the settings of {what} are {listed(known) or 'none'}. Got {quoted(unknown[0])}"
        )
    try:
        return TypeAdapter(form).validate_json(json.dumps(dict(settings)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        got = settings.get(str(first["loc"][0]) if first["loc"] else "")
        raise InputError(
            f"`{place}` of {what} does not fit: {first['msg']}. Got {quoted(got)}"
        ) from None


_THIN: Final = 32
_FIRST_CHANNELS: Final = 8
WIDTH: Final = Option(
    "width",
    "Width of a thin vgg16 (32 by default; 0 for the full one), of a resnet's first stage (64 by "
    "default) or of a cnn's (8 by default).",
    type=int,
)
"""The option of every backbone that has one width."""


@dataclass(frozen=True)
class DataFacts:
    """What decides which network suits a data set.

    Attributes:
        n_rows: Training rows.
        of_bits: Whether nearly all inputs are 0 or 1.
    """

    n_rows: int
    of_bits: bool


@dataclass(frozen=True)
class BackboneSpec(Described):
    """What a backbone is made from; the shape of the input comes when it is built.

    Attributes:
        of_images: Whether it takes pictures only.
    """

    of_images: ClassVar[bool] = False

    def full(self) -> "BackboneSpec | None":
        """The network of this kind that torchvision has weights of; None if there is none."""
        return None

    def completed(self, facts: DataFacts | None = None) -> "BackboneSpec":
        """The same with a value for every setting that was left open.

        Args:
            facts: The data that it should suit; None for the usual values.
        """
        return self

    @property
    def kind(self) -> str:
        """The name under which a file speaks of this kind of backbone."""
        return self.name

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Width of the features that the heads get."""

    @abstractmethod
    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new backbone with random weights.

        Args:
            input_shape: Shape of one row: ``(feature,)`` or ``(channel, height, width)``.

        Raises:
            ShapeError: If the backbone does not take rows of this shape.
            InputError: If a setting is out of range.
        """


@checked
@dataclass(frozen=True)
class MLPSpec(BackboneSpec):
    """A multilayer perceptron, see `mlp`. An image is flattened.

    What is None follows from the data where the length of a training does, see `completed`; elsewhere
    it is the usual value of `mlp`.

    Attributes:
        hidden: Width of each stage.
        dropout: Share of hidden units that are dropped in training.
        input_dropout: Share of inputs that are dropped in training.

    Example:
        >>> len(MLPSpec(hidden=(64, 32)).build((10,)))
        2
    """

    name = "mlp"
    label = "dense stages"
    options = (
        Option(
            "hidden",
            "Width of each stage of an mlp, comma separated (128,128 by default; 256,256 from 2,000 "
            "training rows, where inputs are bits, or with `epochs`).",
            anywhere=True,
        ),
        Option(
            "dropout",
            "Share of hidden units of an mlp dropped in training (0.2 by default; 0.1 from 2,000 "
            "training rows; 0.6 where inputs are bits, or with `epochs`).",
            anywhere=True,
        ),
        Option(
            "input_dropout",
            "Share of inputs of an mlp dropped in training (0 by default; 0.1 where they are bits, or "
            "with `epochs`).",
            anywhere=True,
        ),
    )

    hidden: tuple[int, ...] | None = None
    dropout: float | None = None
    input_dropout: float | None = None

    def completed(self, facts: DataFacts | None = None) -> "MLPSpec":
        """The same with a value for every setting that was left open.

        Bits say little each, so a network sees enough of a row without some of them; dropping
        numbers, of which each may decide, costs more than it gains.

        Args:
            facts: The data that it should suit; None for the usual values.

        Example:
            >>> MLPSpec().completed()
            MLPSpec(hidden=(256, 256), dropout=0.6, input_dropout=0.1)
            >>> MLPSpec(dropout=0.3).completed(DataFacts(n_rows=100, of_bits=False))
            MLPSpec(hidden=(128, 128), dropout=0.3, input_dropout=0.0)
        """
        return MLPSpec(*self._values(_USUAL if facts is None else _suiting(facts)))

    @property
    def n_features(self) -> int:
        """Width of the last stage."""
        return (self.hidden or _USUAL.hidden)[-1]

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new perceptron with random weights."""
        made = self._values(_USUAL)
        drops = {"dropout": made.dropout, "input_dropout": made.input_dropout}
        stages = mlp(math.prod(input_shape), made.hidden, **drops)
        return stages if len(input_shape) == 1 else nn.Sequential(nn.Flatten(), *stages)

    def _values(self, others: "_Perceptron") -> "_Perceptron":
        return _Perceptron(
            others.hidden if self.hidden is None else self.hidden,
            others.dropout if self.dropout is None else self.dropout,
            others.input_dropout if self.input_dropout is None else self.input_dropout,
        )


class _Perceptron(NamedTuple):
    hidden: tuple[int, ...]
    dropout: float
    input_dropout: float


_USUAL: Final = _Perceptron((256, 256), 0.6, 0.1)
_MANY_ROWS: Final = 2000


def _suiting(facts: DataFacts) -> _Perceptron:
    if facts.of_bits:
        return _USUAL
    many = facts.n_rows >= _MANY_ROWS
    return _Perceptron((256, 256), 0.1, 0.0) if many else _Perceptron((128, 128), 0.2, 0.0)


@checked
@dataclass(frozen=True)
class VGGSpec(BackboneSpec):
    """VGG-16, full or thin, see `vgg16`.

    Example:
        >>> len(VGGSpec(width=8).build((1, 28, 28)))
        15
    """

    name = "vgg16"
    label = "VGG-16, thin or full"
    of_images = True
    options = (WIDTH,)

    width: int | None = None
    batch_norm: bool = True
    affine: bool = True

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """A thin one; the full one of width 0."""
        width = check_count("width", given.get("width", _THIN), 0)
        return super().from_options(form, {**given, "width": width or None}, context)

    def full(self) -> "VGGSpec":
        """All of VGG-16."""
        return replace(self, width=None)

    @property
    def n_features(self) -> int:
        """Width of the last dense layer."""
        return VGG16_DENSE_WIDTH if self.width is None else 2 * self.width

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new VGG-16 with random weights."""
        channels, height, breadth = _image(input_shape, "VGG-16")
        return vgg16(
            width=self.width,
            input_size=(height, breadth),
            in_channels=channels,
            batch_norm=self.batch_norm,
            affine=self.affine,
        )


@checked
@dataclass(frozen=True)
class CNNSpec(BackboneSpec):
    """A small convolutional network, see `cnn`.

    Example:
        >>> len(CNNSpec().build((1, 28, 28)))
        4
    """

    name = "cnn"
    label = "a small network: three convolutions and a dense layer"
    of_images = True
    options = (WIDTH,)

    channels: tuple[int, ...] = (8, 12, 16)
    hidden: tuple[int, ...] = (64,)

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """One whose stages are in proportion to the first."""
        first = check_count("width", given.get("width", _FIRST_CHANNELS))
        own = {"channels": (first, first * 3 // 2, 2 * first), "hidden": (8 * first,)}
        others = {name: value for name, value in given.items() if name != "width"}
        return super().from_options(form, {**own, **others}, context)

    @property
    def n_features(self) -> int:
        """Width of the last dense layer."""
        return self.hidden[-1]

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new network with random weights."""
        channels, height, breadth = _image(input_shape, "a CNN")
        size = (height, breadth)
        return cnn(self.channels, self.hidden, input_size=size, in_channels=channels)


@checked
@dataclass(frozen=True)
class ResNetSpec(BackboneSpec):
    """ResNet-18 or ResNet-34, see `resnet`.

    Example:
        >>> ResNetSpec(stem="cifar", width=16).n_features
        128
    """

    name = "resnet"
    label = "a residual network"
    of_images = True
    forms: ClassVar = {
        "18": {"depth": 18, "stem": "cifar"},  # images of the usual sizes here would vanish in
        "34": {"depth": 34, "stem": "cifar"},  # ImageNet's stem
    }
    options = (WIDTH,)

    depth: Depth = 18
    stem: Stem = "imagenet"
    width: int = 64

    @classmethod
    def words(cls) -> dict[str, str]:
        """The words for its depths."""
        return {f"{cls.name}{depth}": depth for depth in cls.forms}

    def full(self) -> "ResNetSpec":
        """The residual network of the same depth for ImageNet."""
        return ResNetSpec(self.depth, "imagenet", 64)

    @property
    def n_features(self) -> int:
        """Channels of the last block."""
        return 8 * self.width

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new residual network with random weights."""
        channels, _, _ = _image(input_shape, "a ResNet")
        return resnet(self.depth, stem=self.stem, width=self.width, in_channels=channels)


BACKBONES: Final[Registry[BackboneSpec]] = Registry(
    BackboneSpec,
    "backbone",
    "ramify.backbones",
    [MLPSpec, CNNSpec, VGGSpec, ResNetSpec],
)
"""Every kind of built-in backbone by the name that files use; `ramify.register` adds to it."""


def default_backbone(*, of_images: bool) -> str:
    """The word for the backbone where none is asked for.

    Args:
        of_images: Whether rows are pictures.
    """
    return VGGSpec.name if of_images else MLPSpec.name


def spec_from(kind: str, settings: Mapping[str, Setting]) -> BackboneSpec:
    """The description of a backbone from what a file says.

    Args:
        kind: One of `BACKBONES`.
        settings: What `BackboneSpec.settings` gave. One that is absent keeps its default.

    Raises:
        InputError: If the kind or a setting is unknown, or a setting has the wrong type.

    Example:
        >>> spec_from("vgg16", {"width": 32})
        VGGSpec(width=32, batch_norm=True, affine=True)
    """
    return read_settings(BACKBONES.named(kind, "kind"), settings, f"a backbone {quoted(kind)}")


def _image(input_shape: Sequence[int], name: str) -> tuple[int, int, int]:
    if len(input_shape) != 3:
        raise ShapeError(
            f"`input_shape` for {name} must be (channel, height, width). Got {tuple(input_shape)}; "
            "give images, or use an MLPSpec"
        )
    channels, height, breadth = input_shape
    return channels, height, breadth
