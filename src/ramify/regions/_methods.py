"""Ways to find what a network looks at, by captum."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ramify._core import InputError


class RegionMethod(ABC):
    """How to find what a network looks at.

    Attributes:
        name: What pages and files call it.
    """

    name: ClassVar[str]

    @abstractmethod
    def maps(
        self, path: nn.Module, layer: nn.Module, inputs: Tensor
    ) -> Float[Tensor, "batch height width"]:
        """How much each pixel counts, 0 or more, at the size of the inputs.

        Args:
            path: A plain network of one output per row.
            layer: The module of it whose output is looked at.
            inputs: ``(batch, channel, height, width)``.

        Raises:
            InputError: If captum is missing.
        """


@dataclass(frozen=True)
class GradCam(RegionMethod):
    r"""Where a stage is active, its channels weighted by what they do for the answer.

    .. math:: M_{hw} = \max\Big(0, \sum_c A_{chw}\,
        \frac{1}{HW} \sum_{h'w'} \frac{\partial y}{\partial A_{ch'w'}}\Big)

    made as large as the picture bilinearly. Coarse, but true to the network where its output is pooled over
    all places; see `HiResCam` for dense stages.

    References:
        Selvaraju et al., *Grad-CAM*, ICCV 2017, equations 1 and 2.
    """

    name: ClassVar[str] = "grad-cam"

    def maps(self, path: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
        """The formula above."""
        with _quiet():
            found = _captum().LayerGradCam(path, layer).attribute(inputs, relu_attributions=True)
        return _enlarged(found.detach(), inputs)


@dataclass(frozen=True)
class HiResCam(RegionMethod):
    r"""Grad-CAM without averaging the gradient over places.

    .. math:: M_{hw} = \max\Big(0, \sum_c A_{chw} \frac{\partial y}{\partial A_{chw}}\Big)

    Where dense stages follow the one that is looked at, they can tell one place from another, and
    Grad-CAM's mean over places cannot: what looks the same lights up wherever it is. This does
    tell places apart.

    References:
        Draelos and Carin, *Use HiResCAM instead of Grad-CAM*, 2020, section 3.
    """

    name: ClassVar[str] = "hires-cam"

    def maps(self, path: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
        """The formula above."""
        with _quiet():
            found = _captum().LayerGradientXActivation(path, layer).attribute(inputs)
        return _enlarged(found.detach().sum(dim=1, keepdim=True).relu(), inputs)


@dataclass(frozen=True)
class GuidedBackprop(RegionMethod):
    """The gradient at each pixel with negative parts cut off at every ReLU; sum over channels.

    Fine, but much of it is edges of the picture that any network would show; the stage does not
    matter.

    References:
        Springenberg et al., *Striving for Simplicity*, ICLR 2015 (workshop), section 3.4.
    """

    name: ClassVar[str] = "guided-backprop"

    def maps(self, path: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
        """Absolute values, summed over channels."""
        with _quiet():
            found: Tensor = _captum().GuidedBackprop(path).attribute(inputs)
        return found.detach().abs().sum(dim=1)


@dataclass(frozen=True)
class GuidedGradCam(RegionMethod):
    """Guided backpropagation times Grad-CAM: the fine one, where the coarse one is.

    References:
        Selvaraju et al., *Grad-CAM*, ICCV 2017, section 3.2.
    """

    name: ClassVar[str] = "guided-grad-cam"

    def maps(self, path: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
        """The product of the two; captum's own leaves the coarse one at its nearest pixel."""
        return GuidedBackprop().maps(path, layer, inputs) * GradCam().maps(path, layer, inputs)


METHODS: dict[str, RegionMethod] = {
    each.name: each for each in (GradCam(), HiResCam(), GuidedGradCam(), GuidedBackprop())
}
"""The methods by name."""


def _captum() -> ModuleType:
    try:
        import captum.attr  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        raise InputError(
            "activation regions need captum, which is not installed; "
            "install it with pip install 'ramify[regions]'"
        ) from None
    attr: ModuleType = captum.attr
    return attr


@contextmanager
def _quiet() -> Iterator[None]:
    """Without captum's notes that it sets hooks and asks for gradients, which is its work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _enlarged(maps: Tensor, inputs: Tensor) -> Tensor:
    size = (inputs.shape[-2], inputs.shape[-1])
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)[:, 0]
