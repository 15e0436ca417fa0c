"""What a comparison must know of each seed's table before any run starts."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ramify.data import ImageData, Table
from ramify.networks import DataFacts
from ramify.records import DataInfo, RunResult
from ramify.runs import Options, prepare
from ramify.tasks import TaskSet


@dataclass(frozen=True, eq=False)
class SeedSplit:
    """The table as one seed divides it.

    Attributes:
        tasks: The tasks, with the scale of the training labels.
        digest: Fingerprint of the encoded data and its split.
        test_rows: Fingerprint of which rows are for the test.
        facts: What decides which settings suit it.
        info: The table in numbers.
        warnings: What the user should know.
    """

    tasks: TaskSet
    digest: str
    test_rows: str
    facts: DataFacts
    info: DataInfo
    warnings: list[str]


def divided(
    table: Table | ImageData, options: Options, seeds: Sequence[int]
) -> dict[int, SeedSplit]:
    """Prepare the table once for each seed, and keep what identifies it.

    Args:
        table: The table.
        options: What is wanted of it.
        seeds: The seeds.

    Raises:
        InputError: If the table is not fit for it.
    """
    found = {}
    for seed in sorted(seeds):
        prepared = prepare(table, replace(options, seed=seed))
        rows = np.ascontiguousarray(prepared.split.test)
        found[seed] = SeedSplit(
            prepared.main,
            prepared.digest,
            hashlib.sha256(rows.tobytes()).hexdigest(),
            prepared.facts,
            prepared.info,
            list(prepared.warnings),
        )
    return found


def splits_differ(seeds: dict[int, SeedSplit]) -> bool:
    """Whether seeds divide the rows differently."""
    return len({each.test_rows for each in seeds.values()}) > 1


def overlap(seeds: dict[int, SeedSplit], side: str) -> float:
    """Held-out rows of a side ÷ training rows where each seed divides anew; else 0."""
    if not splits_differ(seeds):
        return 0.0
    ratios = [each.info.rows[side] / each.info.rows["train"] for each in seeds.values()]
    return float(np.mean(ratios))


def all_warnings(seeds: dict[int, SeedSplit], runs: Iterable[RunResult] = ()) -> list[str]:
    """What the user should know; what concerns some seeds or one method only says which.

    Args:
        seeds: The table as each seed divides it.
        runs: What learned it.
    """
    by_text: dict[str, list[int]] = {}
    for seed, each in seeds.items():
        for warning in each.warnings:
            by_text.setdefault(warning, []).append(seed)
    for run in runs:
        for warning in run.warnings:
            by_text.setdefault(f"{run.method}: {warning}", []).append(run.seed)
    return [
        text if len(where) == len(seeds) else f"seed {', '.join(map(str, where))}: {text}"
        for text, where in by_text.items()
    ]
