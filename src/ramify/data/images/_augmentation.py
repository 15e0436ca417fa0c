"""Training images a little shifted and mirrored, for a whole batch at once."""

from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

from ramify._core import InputError, checked


@checked
@dataclass(frozen=True)
class Augmentation:
    """Shifts each image by a few pixels, and mirrors about half of them.

    A shift is a random crop of the image with a border of `padding` repeated edge pixels.

    Attributes:
        padding: Furthest shift in each direction, in pixels.
        flip: Whether images are mirrored left to right.

    Example:
        >>> pixels = torch.arange(8, dtype=torch.uint8).view(1, 1, 2, 4)
        >>> generator = torch.Generator().manual_seed(0)
        >>> bool((Augmentation(padding=0, flip=False)(pixels, generator) == pixels).all())
        True
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        """Check the shift."""
        if self.padding < 0:
            raise InputError(f"`padding` must be 0 or more. Got {self.padding}")

    def __call__(
        self, pixels: UInt8[Tensor, "batch channel height width"], generator: torch.Generator
    ) -> UInt8[Tensor, "batch channel height width"]:
        """Change a batch.

        Args:
            pixels: The images.
            generator: Source of chance; nothing else is drawn from.
        """
        n, channels, height, width = pixels.shape
        span = (2 * self.padding + 1,)
        down = torch.randint(*span, (n, 1), generator=generator) - self.padding
        right = torch.randint(*span, (n, 1), generator=generator) - self.padding
        mirrored = torch.randint(2, (n, 1), generator=generator).bool() & self.flip
        y = (torch.arange(height) + down).clamp(0, height - 1)
        x = torch.arange(width).expand(n, width)
        x = (torch.where(mirrored, width - 1 - x, x) + right).clamp(0, width - 1)
        # Whole rows of pixels first: they lie together and are copied at once.
        starts = torch.arange(n * channels).view(n, channels, 1) * height
        places = (starts + y[:, None]).flatten()
        rows = pixels.reshape(-1, width).index_select(0, places).view(pixels.shape)
        return rows.gather(3, x[:, None, None, :].expand(n, channels, height, width))
