"""What training gets: batches of a table, of images, or of a user's own loader."""

from ramify.data.batches._batches import Batch, Batches, TableBatches, pairs_within
from ramify.data.batches._image_batches import ImageBatches
from ramify.data.batches._loader import Loader, LoaderBatches, as_batches
from ramify.data.batches._nested import Nested, leaves, mapped, n_rows_of
from ramify.data.batches._units import Units

__all__ = [
    "Batch",
    "Batches",
    "ImageBatches",
    "Loader",
    "LoaderBatches",
    "Nested",
    "TableBatches",
    "Units",
    "as_batches",
    "leaves",
    "mapped",
    "n_rows_of",
    "pairs_within",
]
