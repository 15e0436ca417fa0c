"""What images a model reads: their size, their channels, and how pixels become numbers."""

from math import isfinite
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Resize = Literal["stretch", "crop"]
Channels = Literal[1, 3]
Size = tuple[int, int]

# Of the training images of VGG-16 as the paper's code has them, there in the order B, G, R.
PAPER_MEAN: Final = (122.7717, 115.9465, 102.9801)

_Side = Annotated[int, Field(ge=1, le=8192)]


class ImageSchema(BaseModel):
    """The images that a model reads.

    A pixel x of channel c enters the network as ``(x − mean[c]) / std[c]``, x from 0 to 255.

    Attributes:
        channels: 1 for grey, 3 for red, green, blue.
        height: Rows of pixels.
        width: Columns of pixels.
        resize: How an image gets that size. ``stretch`` ignores its proportions, as the paper
            does; ``crop`` keeps them and cuts off what lies beyond the middle.
        mean: Per channel, on the scale of pixels from 0 to 255.
        std: Per channel, on the same scale; above 0.

    Example:
        >>> schema = ImageSchema(channels=1, height=28, width=28, mean=(73.0,), std=(90.0,))
        >>> ImageSchema.model_validate_json(schema.model_dump_json()) == schema
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: Channels
    height: _Side
    width: _Side
    resize: Resize = "stretch"
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @model_validator(mode="after")
    def _channels_fit(self) -> "ImageSchema":
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError("mean and std of images must have one number per channel")
        if not all(isfinite(one) and one > 0 for one in self.std):
            raise ValueError("std of images must be above 0")
        return self

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.height, self.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width
