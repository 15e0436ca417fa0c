"""Small tables and quick settings."""

import json
from pathlib import Path

import polars as pl

from ramify.data import open_table, planted_table
from ramify.networks import MLPSpec
from ramify.runs import Options, Run, run_table
from ramify.sharing import FullyAdaptive, Strategy
from ramify.training import Training, Watcher


def without_digest(folder: Path) -> Path:
    """A run's description for changes that its digest would not let pass; files from before had none."""
    path = folder / "model.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({k: v for k, v in card.items() if k != "sha256"}, indent=1))
    return path


def small_table(kinds: tuple[str, ...] = ("binary",), rows: int = 150) -> pl.DataFrame:
    return planted_table(2, len(kinds), rows=rows, features=4, seed=1, kinds=kinds)[0]


def quick(
    *,
    sharing: Strategy | None = None,
    epochs: int = 2,
    batch_size: int = 32,
    baselines: tuple[str, ...] = (),
    targets: tuple[str, ...] = ("g*",),
) -> Options:
    return Options(
        targets=targets,
        sharing=FullyAdaptive(growing_epochs=1, n_candidates=2) if sharing is None else sharing,
        backbone=MLPSpec((8, 8)),
        training=Training(epochs=epochs),
        batch_size=batch_size,
        baselines=baselines,
        checkpoint_seconds=0.0,
    )


def fitted(
    frame: pl.DataFrame,
    options: Options | None = None,
    *,
    output: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watcher | None = None,
) -> Run:
    return run_table(
        open_table(frame),
        quick() if options is None else options,
        output=output,
        resume=resume,
        overwrite=overwrite,
        watch=watch,
    )


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}
