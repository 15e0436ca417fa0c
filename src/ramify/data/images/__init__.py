"""Images: from files, arrays and archives to rows of pixels with their labels."""

from ramify.data.images._augmentation import Augmentation
from ramify.data.images._cache import Progress
from ramify.data.images._dataset import ImageData
from ramify.data.images._encoder import ImageEncoder
from ramify.data.images._files import (
    ImageBatch,
    ImageFiles,
    image_file_batches,
    image_row_batches,
    open_image_files,
    open_images,
    silent,
)
from ramify.data.images._idx import idx_images, kinds_of_codes, open_idx, open_idx_pair, read_idx
from ramify.data.images._join import JointSplit, joined
from ramify.data.images._npz import npz_images, open_npz
from ramify.data.images._pixels import ImageRows, resized
from ramify.data.images._settings import PAPER_MEAN, ImageReading, ImageSchema

__all__ = [
    "PAPER_MEAN",
    "Augmentation",
    "ImageBatch",
    "ImageData",
    "ImageEncoder",
    "ImageFiles",
    "ImageReading",
    "ImageRows",
    "ImageSchema",
    "JointSplit",
    "Progress",
    "idx_images",
    "image_file_batches",
    "image_row_batches",
    "joined",
    "kinds_of_codes",
    "npz_images",
    "open_idx",
    "open_idx_pair",
    "open_image_files",
    "open_images",
    "open_npz",
    "read_idx",
    "resized",
    "silent",
]
