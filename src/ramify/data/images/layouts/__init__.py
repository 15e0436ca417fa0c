"""Data sets of images in the files that they are handed out in."""

from ramify.data.images.layouts._base import ImageLayout
from ramify.data.images.layouts._celeba import CelebA
from ramify.data.images.layouts._deepfashion import DeepFashion
from ramify.data.images.layouts._idx import IdxFolder, TrainTestSplit
from ramify.data.images.layouts._names import LAYOUTS, layout_of, open_layout

__all__ = [
    "LAYOUTS",
    "CelebA",
    "DeepFashion",
    "IdxFolder",
    "ImageLayout",
    "TrainTestSplit",
    "layout_of",
    "open_layout",
]
