"""Pixels to network inputs, by the mean and the spread of each channel."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from ramify._core import InputError, ShapeError
from ramify.data.images._pixels import ImageRows
from ramify.data.images._settings import ImageSchema

_MOST_ROWS = 10_000
_CHUNK = 256


class ImageEncoder(nn.Module):
    """Standardises the pixels of each channel, so that a model takes raw pixels.

    Mean and spread stand in the schema, which the model's description holds; they are buffers
    here, but no part of the state.

    Args:
        schema: The images.

    Example:
        >>> schema = ImageSchema(channels=1, height=1, width=2, mean=(50.0,), std=(25.0,))
        >>> ImageEncoder(schema)(torch.tensor([[[[0, 100]]]], dtype=torch.uint8)).tolist()
        [[[[-2.0, 2.0]]]]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, schema: ImageSchema) -> None:
        super().__init__()
        self.schema = schema
        mean, std = torch.tensor(schema.mean), torch.tensor(schema.std)
        self.register_buffer("mean", mean.view(-1, 1, 1), persistent=False)
        self.register_buffer("std", std.view(-1, 1, 1), persistent=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.schema.shape

    @classmethod
    def fitted(
        cls,
        images: ImageRows,
        rows: Int64[np.ndarray, " chosen"],
        *,
        mean: Sequence[float] | None = None,
    ) -> "ImageEncoder":
        """Build the encoder from the statistics of the training rows.

        Args:
            images: All images.
            rows: The training rows; no other row is looked at. Of more than 10,000 as many are
                used, evenly spaced.
            mean: Instead of statistics, a fixed mean per channel with a spread of 1, such as
                `PAPER_MEAN` for colour images as in the paper.

        Raises:
            InputError: If there is no row, or `mean` does not fit the channels.
        """
        _, channels, height, width = images.shape
        if len(rows) == 0:
            raise InputError("`rows` must have at least one training row. Got none")
        if mean is not None and len(mean) != channels:
            raise InputError(
                f"`mean` must have a number for each of the {channels} channels. Got {len(mean)}"
            )
        fixed = mean if mean is None else (list(mean), [1.0] * channels)
        location, scale = fixed or _statistics(images, rows)
        return cls(
            ImageSchema.model_validate(
                {
                    "channels": channels,
                    "height": height,
                    "width": width,
                    "resize": images.resize,
                    "mean": tuple(location),
                    "std": tuple(scale),
                }
            )
        )

    def forward(
        self, pixels: UInt8[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        """Standardise pixels."""
        if tuple(pixels.shape[1:]) != self.schema.shape:
            raise ShapeError(
                f"`pixels` must be (batch, channel, height, width) with {self.schema.shape} per "
                f"image. Got {tuple(pixels.shape)}"
            )
        return (pixels.to(self.mean.dtype) - self.mean) / self.std


def _statistics(
    images: ImageRows, rows: Int64[np.ndarray, " chosen"]
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, from counts of each of the 256 values: exact."""
    chosen = rows[:: -(-len(rows) // _MOST_ROWS)]
    counts = np.zeros((images.shape[1], 256), dtype=np.int64)
    for start in range(0, len(chosen), _CHUNK):
        pixels = images.take(chosen[start : start + _CHUNK]).numpy()
        counts += [np.bincount(one.ravel(), minlength=256) for one in pixels.swapaxes(0, 1)]
    values, total = np.arange(256), counts.sum(axis=1)
    mean = counts @ values / total
    spread = np.sqrt(np.maximum(counts @ values**2 / total - mean**2, 0))
    return mean.tolist(), np.where(spread > 1e-3, spread, 1.0).tolist()
