"""A small comparison that takes a second or two."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import polars as pl

from ramify.comparison import Comparison, Progress, compare
from ramify.data import planted_table
from ramify.records import ComparisonRecord
from ramify.sharing import FullyAdaptive, HardSharing, Sharing
from ramify.training import Training
from ramify.weighting import Weighting

Makers = Mapping[str, Callable[[int], Sharing]]


def adaptive(seed: int) -> Sharing:
    return FullyAdaptive(growing_epochs=1, n_candidates=2, seed=seed)


def hard(_seed: int) -> Sharing:
    return HardSharing()


def small_table(kinds: tuple[str, ...] = ("binary",), rows: int = 160) -> pl.DataFrame:
    return planted_table(2, len(kinds), rows=rows, features=4, seed=1, kinds=kinds)[0]


def compared(
    frame: pl.DataFrame,
    *,
    sharing: Makers | None = None,
    weightings: Mapping[str, Weighting] | None = None,
    training: Training | None = None,
    seeds: int | Sequence[int] = 2,
    search: int = 0,
    split: str = "random",
    epochs: int = 3,
    processes: int | None = 1,
    output: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tell: Callable[[Progress], None] | None = None,
) -> Comparison:
    return compare(
        frame,
        "g*",
        sharing={"adaptive": adaptive} if sharing is None else sharing,
        weightings=weightings,
        seeds=seeds,
        search=search,
        split=split,
        hidden=(8, 8),
        dropout=0.0,
        training=training or Training(epochs=epochs, learning_rate=1e-2),
        batch_size=32,
        trees=8,
        processes=processes,
        output=output,
        resume=resume,
        overwrite=overwrite,
        tell=tell,
    )


@cache
def mixed() -> ComparisonRecord:
    """Tasks of all kinds, two seeds."""
    return compared(small_table(("binary", "regression", "multiclass"))).record


def substance(record: ComparisonRecord) -> dict[str, object]:
    """A record without what two runs of the same may differ in: times and memory."""
    found = record.model_dump(exclude={"created", "command"})
    for part in (*found["methods"], *found["runs"]):
        del part["seconds"], part["memory"]
    return found
