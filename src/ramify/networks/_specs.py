"""Descriptions of the built-in backbones, from which a saved network is built again."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Final

from torch import Tensor, nn

from ramify._core import Registry, ShapeError, quoted
from ramify.networks._cnn import cnn
from ramify.networks._mlp import mlp
from ramify.networks._resnet import Depth, Stem, resnet
from ramify.networks._saved import Setting, read_settings
from ramify.networks._vgg import DENSE_WIDTH, vgg16


@dataclass(frozen=True)
class BackboneSpec(ABC):
    """What a built-in backbone is made from; the shape of the input comes when it is built."""

    kind: ClassVar[str]
    """The name under which a file speaks of this kind of backbone."""

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

    def settings(self) -> dict[str, Setting]:
        """The settings as plain values that fit into JSON; see `spec_from`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


@dataclass(frozen=True)
class MLPSpec(BackboneSpec):
    """A multilayer perceptron, see `mlp`. An image is flattened.

    Example:
        >>> len(MLPSpec(hidden=(64, 32)).build((10,)))
        2
    """

    kind: ClassVar[str] = "mlp"

    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.6
    input_dropout: float = 0.1

    @property
    def n_features(self) -> int:
        """Width of the last stage."""
        return self.hidden[-1]

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new perceptron with random weights."""
        drops = {"dropout": self.dropout, "input_dropout": self.input_dropout}
        stages = mlp(math.prod(input_shape), self.hidden, **drops)
        return stages if len(input_shape) == 1 else nn.Sequential(nn.Flatten(), *stages)


@dataclass(frozen=True)
class VGGSpec(BackboneSpec):
    """VGG-16, full or thin, see `vgg16`.

    Example:
        >>> len(VGGSpec(width=8).build((1, 28, 28)))
        15
    """

    kind: ClassVar[str] = "vgg16"

    width: int | None = None
    batch_norm: bool = True
    affine: bool = True

    @property
    def n_features(self) -> int:
        """Width of the last dense layer."""
        return DENSE_WIDTH if self.width is None else 2 * self.width

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


@dataclass(frozen=True)
class CNNSpec(BackboneSpec):
    """A small convolutional network, see `cnn`.

    Example:
        >>> len(CNNSpec().build((1, 28, 28)))
        4
    """

    kind: ClassVar[str] = "cnn"

    channels: tuple[int, ...] = (8, 12, 16)
    hidden: tuple[int, ...] = (64,)

    @property
    def n_features(self) -> int:
        """Width of the last dense layer."""
        return self.hidden[-1]

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new network with random weights."""
        channels, height, breadth = _image(input_shape, "a CNN")
        size = (height, breadth)
        return cnn(self.channels, self.hidden, input_size=size, in_channels=channels)


@dataclass(frozen=True)
class ResNetSpec(BackboneSpec):
    """ResNet-18 or ResNet-34, see `resnet`.

    Example:
        >>> ResNetSpec(stem="cifar", width=16).n_features
        128
    """

    kind: ClassVar[str] = "resnet"

    depth: Depth = 18
    stem: Stem = "imagenet"
    width: int = 64

    @property
    def n_features(self) -> int:
        """Channels of the last block."""
        return 8 * self.width

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """A new residual network with random weights."""
        channels, _, _ = _image(input_shape, "a ResNet")
        return resnet(self.depth, stem=self.stem, width=self.width, in_channels=channels)


@dataclass(frozen=True)
class LinearSpec(BackboneSpec):
    """No layers: the heads read the input as it is, which makes a linear model of each task.

    Attributes:
        shape: Shape of one row of input; an image is flattened.

    Example:
        >>> LinearSpec((3, 8, 8)).n_features
        192
    """

    kind: ClassVar[str] = "linear"

    shape: tuple[int, ...] = (1,)

    @property
    def n_features(self) -> int:
        """Width of a flattened row."""
        return math.prod(self.shape)

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """One stage that hands its input on, flattened."""
        if tuple(input_shape) != self.shape:
            raise ShapeError(
                f"`input_shape` must be {self.shape}, for which this linear model was made. "
                f"Got {tuple(input_shape)}"
            )
        return nn.Sequential(nn.Sequential(_Flat()))


BACKBONES: Final[Registry[BackboneSpec]] = Registry(
    BackboneSpec,
    "backbone",
    "ramify.backbones",
    [MLPSpec, CNNSpec, VGGSpec, ResNetSpec, LinearSpec],
    key="kind",
)
"""Every kind of built-in backbone by the name that files use; `ramify.register` adds to it."""


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


class _Flat(nn.Module):
    """Flattens each row. Unlike `nn.Flatten` it has no stacked form, so each group has its own."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def _image(input_shape: Sequence[int], name: str) -> tuple[int, int, int]:
    if len(input_shape) != 3:
        raise ShapeError(
            f"`input_shape` for {name} must be (channel, height, width). Got {tuple(input_shape)}; "
            "give images, or use an MLPSpec"
        )
    channels, height, breadth = input_shape
    return channels, height, breadth
