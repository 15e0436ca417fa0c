"""What training gets: batches of a table, of images, or of a user's own loader."""

from ramify.data.batches._batches import (
    Batch,
    Batches,
    LoaderBatches,
    TableBatches,
    as_batches,
    pairs_within,
)
from ramify.data.batches._image_batches import ImageBatches

__all__ = [
    "Batch",
    "Batches",
    "ImageBatches",
    "LoaderBatches",
    "TableBatches",
    "as_batches",
    "pairs_within",
]
