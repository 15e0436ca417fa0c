"""The backbones that the command line knows by name."""

from pathlib import Path
from typing import Final, Literal

from ramify._core import InputError, quoted
from ramify.networks import BackboneSpec, CNNSpec, MLPSpec, ResNetSpec, VGGSpec

BackboneName = Literal["mlp", "cnn", "vgg16", "resnet18", "resnet34"]

_THIN: Final = 32
_FIRST_CHANNELS: Final = 8
_SMALL_STEM: Final = "cifar"  # images of the usual sizes here would vanish in ImageNet's stem


def build_spec(
    name: BackboneName | None, width: int | None, perceptron: MLPSpec, *, of_images: bool
) -> BackboneSpec:
    """The backbone of a name.

    Args:
        name: Which; None for what suits the data.
        width: Of a thin VGG-16, of a residual network's first stage, or of a small CNN's first
            convolution, to which its others are in proportion; 0 for the full VGG-16; None for the
            default.
        perceptron: What ``mlp`` stands for.
        of_images: Whether rows are pictures.

    Raises:
        InputError: If the width does not fit, or the backbone does not fit the rows.

    Example:
        >>> build_spec("vgg16", None, MLPSpec(), of_images=True)
        VGGSpec(width=32, batch_norm=True, affine=True)
    """
    if width is not None and width < 0:
        raise InputError(f"--width must be 0 (the full network) or more. Got {width}")
    name = name or ("vgg16" if of_images else "mlp")
    if name != "mlp" and not of_images:
        raise InputError(f"--backbone {name} is for pictures. Got a table; use mlp or leave it out")
    if name == "mlp":
        if width is not None:
            raise InputError("--width is for vgg16, resnets and cnn; an mlp has --hidden")
        return perceptron
    if name == "vgg16":
        return VGGSpec(_THIN if width is None else width or None)
    if name == "cnn" and width != 0:
        first = width or _FIRST_CHANNELS
        return CNNSpec((first, first * 3 // 2, 2 * first), (8 * first,))
    if width == 0:
        raise InputError(f"--width 0, the full network, is for vgg16. Got {name}; leave it out")
    return ResNetSpec(18 if name == "resnet18" else 34, _SMALL_STEM, width or 64)


def check_start(start_from: Path | None, sharing: str) -> None:
    """Check that there is a backbone to start, and a start where one is needed.

    Raises:
        InputError: If a linear model was asked for, an anchor is missing, or there is nothing where
            the start should be.
    """
    if start_from is None and sharing == "anchored":
        raise InputError(
            "--sharing anchored needs --start-from, the directory of a run: networks start from "
            "its network and are held near it"
        )
    if start_from is not None and sharing.startswith("linear:"):
        raise InputError(
            "--start-from is for networks; linear models have no backbone; leave it out"
        )
    if start_from is not None and not start_from.exists():
        raise InputError(
            "--start-from must name the directory of a run, or a file of weights. There is nothing "
            f"at {quoted(start_from)}"
        )
