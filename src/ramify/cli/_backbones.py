"""The backbones that the command line knows by name."""

from typing import Final, Literal

from ramify._core import InputError
from ramify.networks import BackboneSpec, MLPSpec, ResNetSpec, VGGSpec

BackboneName = Literal["mlp", "vgg16", "resnet18", "resnet34"]

_THIN: Final = 32
_SMALL_STEM: Final = "cifar"  # images of the usual sizes here would vanish in ImageNet's stem


def build_spec(name: BackboneName, width: int | None, perceptron: MLPSpec) -> BackboneSpec:
    """The backbone of a name.

    Args:
        name: Which.
        width: Of a thin VGG-16, or of a residual network's first stage; 0 for the full VGG-16;
            None for the default.
        perceptron: What ``mlp`` stands for.

    Raises:
        InputError: If the width does not fit.

    Example:
        >>> build_spec("vgg16", None, MLPSpec())
        VGGSpec(width=32, batch_norm=True, affine=True)
    """
    if width is not None and width < 0:
        raise InputError(f"--width must be 0 (the full network) or more. Got {width}")
    if name == "mlp":
        if width is not None:
            raise InputError("--width is for vgg16 and resnets; an mlp has --hidden")
        return perceptron
    if name == "vgg16":
        return VGGSpec(_THIN if width is None else width or None)
    return ResNetSpec(18 if name == "resnet18" else 34, _SMALL_STEM, width or 64)
