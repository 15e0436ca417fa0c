"""Images per second: decoding into the cache, epochs from it, and epochs that decode every time.

    python benchmarks/images.py [--images 2000] [--size 64] [--output images.json]

Makes JPEGs of the size of CelebA's aligned faces (218 by 178 pixels) from smooth noise, and measures

- making the cache with 0 (in this process), 1 and 2 worker processes,
- opening it again,
- an epoch of training batches from the cache, without and with augmentation,
- an epoch in which every image is decoded anew by the workers, as a loader without a cache does,
- the share of a batch in the training step of a small convolutional network.

Every figure is the median of some repetitions with its smallest and largest value.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from PIL import Image
from torch import nn

from ramify.data import (
    Augmentation,
    Batches,
    ImageBatches,
    ImageEncoder,
    ImageReading,
    ImageRows,
    Table,
    image_file_batches,
    open_image_files,
    open_table,
)

HEIGHT, WIDTH = 218, 178
BATCH = 64


@dataclass(frozen=True)
class Speed:
    """Images per second.

    Attributes:
        median: Over repetitions.
        low: The slowest.
        high: The fastest.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:9,.0f}  ({self.low:,.0f} to {self.high:,.0f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_images(folder / "images", arguments.images)
        found = measured(folder, table, arguments.size, arguments.repetitions)
        step, batch = step_and_batch(folder, table, arguments.size)
    print(
        f"{arguments.images:,} JPEGs of {HEIGHT} by {WIDTH} to {arguments.size}; images per second"
    )
    for what, speed in found.items():
        print(f"{what:45} {speed}")
    print(f"batch of {BATCH} ÷ step of a small network        {batch / step:9.3f}")
    print(f"  ({1e3 * batch:.2f} ms ÷ {1e3 * step:.1f} ms, one thread)")
    if arguments.output is not None:
        figures = {what: asdict(speed) for what, speed in found.items()}
        text = json.dumps(figures | {"batch_over_step": batch / step}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


def write_images(folder: Path, n: int) -> Table:
    """Write JPEGs that are as hard to decode as photographs; the table of their names."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (28, 23, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        grain = rng.integers(-6, 7, smooth.shape)
        pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:06}.jpg", quality=90)
    return open_table(pl.DataFrame({"file": [f"{i:06}.jpg" for i in range(n)]}))


def measured(folder: Path, table: Table, size: int, repetitions: int) -> dict[str, Speed]:
    """Images per second of each way."""
    found = {}
    for workers in (0, 1, 2):
        name = f"decode into the cache, {workers} workers"

        def build(repetition: int, workers: int = workers) -> None:
            cache = folder / f"cache-{workers}-{repetition}"
            opened(folder, table, size, cache, workers)

        found[name] = speed(build, table.n_rows, repetitions)
    first = folder / "cache-0-0"
    found["open the cache again"] = speed(
        lambda _: opened(folder, table, size, first, 0), table.n_rows, repetitions
    )
    plain, augmented = (training(folder, table, size, way) for way in (None, Augmentation(4)))
    found["epoch from the cache"] = speed(lambda _: run_through(plain), table.n_rows, repetitions)
    found["epoch from the cache, shifted and mirrored"] = speed(
        lambda _: run_through(augmented), table.n_rows, repetitions
    )
    encoder = ImageEncoder.fitted(cached(folder, table, size), np.arange(table.n_rows))
    found["epoch that decodes every image, 2 workers"] = speed(
        lambda _: decode_all(folder, table, encoder), table.n_rows, repetitions
    )
    return found


def opened(folder: Path, table: Table, size: int, cache: Path, workers: int) -> None:
    """Open all images."""
    reading = ImageReading((size, size), cache=cache, workers=workers)
    open_image_files(table, "file", folder / "images", reading)


def cached(folder: Path, table: Table, size: int) -> ImageRows:
    """Images from a cache that is there already."""
    reading = ImageReading((size, size), cache=folder / "cache-0-0", workers=0)
    return open_image_files(table, "file", folder / "images", reading).images


def training(folder: Path, table: Table, size: int, way: Augmentation | None) -> ImageBatches:
    """Batches from a cache that is there already."""
    images = cached(folder, table, size)
    rows = np.arange(len(images))
    encoder = ImageEncoder.fitted(images, rows)
    targets = torch.zeros(len(images), 40)
    mask = torch.ones(len(images), 40, dtype=torch.bool)
    return ImageBatches(
        images, rows, targets, mask, encoder, BATCH, seed=0, drop_last=True, augmentation=way
    )


def decode_all(folder: Path, table: Table, encoder: ImageEncoder) -> None:
    """Decode and standardise every image, keeping nothing."""
    for batch in image_file_batches(table, "file", folder / "images", encoder.schema, workers=2):
        encoder(batch.pixels)


def run_through(batches: Batches) -> None:
    """Take every batch of an epoch."""
    for _ in batches:
        pass


def speed(call: Callable[[int], None], n_images: int, repetitions: int) -> Speed:
    """Time a call some times, each time with its number."""
    rates = []
    for repetition in range(repetitions):
        started = time.perf_counter()
        call(repetition)
        rates.append(n_images / (time.perf_counter() - started))
    return Speed(float(np.median(rates)), min(rates), max(rates))


def step_and_batch(folder: Path, table: Table, size: int) -> tuple[float, float]:
    """Seconds of the training step of a small network, and of the batch that it is given."""
    batches = training(folder, table, size, Augmentation(4))
    network = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(64, 40)),
    )
    optimiser = torch.optim.SGD(network.parameters(), 0.01)
    steps, waits = [], []
    waited = time.perf_counter()
    for batch in batches:
        started = time.perf_counter()
        waits.append(started - waited)
        optimiser.zero_grad()
        nn.functional.mse_loss(network(batch.inputs), batch.targets).backward()
        optimiser.step()
        waited = time.perf_counter()
        steps.append(waited - started)
    return float(np.median(steps)), float(np.median(waits))


if __name__ == "__main__":
    main()
