"""How strong ways of sharing should be: gains on validation rows of planted data and of SARCOS.

    python benchmarks/planted_tuning.py [WAYS] [--seeds 3] [--output tuning.json] [--write]

Each strength is tried on the planted set that the way is meant for, with 300 and with 3,000 training
rows, of whose labels a task has 30 %, and on SARCOS (about 3,100 rows, all labels), as in
`real.py` with 12 epochs. Test rows are never looked at, and the seeds are those of no other
benchmark. The rule: among the strengths that cost SARCOS at most half of what one shared network
costs it, a default is the one with the best mean gain on the planted tables. The error of factors
is the largest with which all their forms gain on SARCOS.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from planted_sharing import (
    EPOCHS,
    PAGE,
    SETS,
    TRAIN,
    Maker,
    compared,
    kept,
    made,
    one_group,
    opposed,
    subspace,
    unequal_noise,
    write_part,
)
from real_data import sarcos

from ramify.comparison import compare
from ramify.records import ComparisonRecord
from ramify.sharing import Factorised, HardSharing, Relationship, Soft, TraceNorm
from ramify.training import Training
from ramify.weighting import Uncertainty, Weighting

FIRST_SEED = 100
MORE, FEWER_EPOCHS = 10, 12
Gains = dict[str, float]


class Stepping(Uncertainty):
    """With its step size in its name, so that several stand side by side."""

    @property
    def name(self) -> str:
        """A word of its own."""
        return f"uncertainty:{self.learning_rate:g}"


FORMS = {"factorised": "laf", "factorised:tucker": "tucker", "factorised:tt": "tt"}
MAKES = {
    "soft": one_group,
    "trace-norm": subspace,
    "relationship": opposed,
    **dict.fromkeys(FORMS, subspace),
}
TRIED: dict[str, dict[str, Maker]] = {
    "soft": {f"soft:{a:g}": made(partial(Soft, a)) for a in (300, 1000, 3000, 10000, 30000)},
    "trace-norm": {f"trace-norm:{a:g}": made(partial(TraceNorm, a)) for a in (3, 10, 30, 100)},
    "relationship": {
        f"relationship:{a:g}": made(partial(Relationship, a)) for a in (0.1, 0.3, 1, 3, 10)
    },
    **{
        way: {
            f"{way}:{a:g}": made(partial(Factorised, form, error=a))
            for a in (0.05, 0.1, 0.2, 0.3, 0.5)
        }
        for way, form in FORMS.items()
    },
}
STEPS: dict[str, Weighting] = {
    each.name: each for each in (Stepping(rate) for rate in (0.02, 0.1, 0.3))
}
PLANTED_OF = {
    "soft": "one group",
    "trace-norm": "subspace",
    "relationship": "opposed",
    **dict.fromkeys(FORMS, "subspace"),
}


def gains_of(record: ComparisonRecord) -> Gains:
    """On validation rows, over one network per task."""
    found = {method.name: method.validation or np.nan for method in record.methods}
    return {name: score - found["single-task"] for name, score in found.items()}


def on_planted(way: str, seed: int, rows: int, epochs: int) -> Gains:
    """Every strength on one planted table."""
    ways = {**TRIED[way], "hard": made(HardSharing)}
    table = MAKES[way](seed, rows)
    return gains_of(compared(SETS[PLANTED_OF[way]], table, seed, ways, {}, epochs))


def on_sarcos(way: str, seed: int) -> Gains:
    """Every strength on SARCOS."""
    root = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
    with tempfile.TemporaryDirectory() as folder:
        table = pl.read_parquet(sarcos(root, Path(folder)))
    return gains_of(
        compare(
            table,
            "torque*",
            sharing=TRIED[way],
            seeds=[seed],
            split="group:block",
            hidden=(128, 128),
            dropout=0.1,
            input_dropout=0.0,
            training=Training(epochs=FEWER_EPOCHS, learning_rate=3e-3, weight_decay=0.05),
            trees=2,
        ).record
    )


def on_noise(seed: int) -> Gains:
    """Every step size of uncertainty weighting on tasks of unequal noise."""
    planted = SETS["unequal noise"]
    return gains_of(compared(planted, unequal_noise(seed), seed, {}, STEPS))


def measured(way: str, seed: int) -> dict[str, Gains]:
    """All tables of one way and one seed."""
    if way == "uncertainty":
        return {"unequal noise": on_noise(seed)}
    return {
        f"{PLANTED_OF[way]}, {TRAIN} rows": on_planted(way, seed, TRAIN, EPOCHS),
        f"{PLANTED_OF[way]}, {MORE * TRAIN:,} rows": on_planted(
            way, seed, MORE * TRAIN, FEWER_EPOCHS
        ),
        "SARCOS": on_sarcos(way, seed),
    }


def table_of(way: str, found: Mapping[str, Mapping[str, list[float]]]) -> list[str]:
    """Gains of one way's strengths, a column per table."""
    lines = [f"| {way} | " + " | ".join(found) + " |", "|---|" + "--:|" * len(found)]
    rows = [f"hard + {name}" for name in STEPS] if way == "uncertainty" else list(TRIED[way])
    for name in [*rows, "hard"]:
        cells = [_spread(table[name]) for table in found.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _spread(gains: list[float]) -> str:
    mean = f"{np.mean(gains):+.4f}"
    return mean if len(gains) == 1 else f"{mean} ± {np.std(gains, ddof=1):.4f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = (*TRIED, "uncertainty")
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"of {', '.join(known)}; or all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="JSON file for the gains")
    parser.add_argument("--write", action="store_true", help="renew the page of results")
    asked = parser.parse_args()
    every: dict[str, dict[str, dict[str, Gains]]] = kept(asked.output)
    lines: list[str] = []
    for way in asked.ways or known:
        by_seed = every.setdefault(way, {})
        for seed in range(FIRST_SEED, FIRST_SEED + asked.seeds):
            if str(seed) not in by_seed:
                by_seed[str(seed)] = measured(way, seed)
                if asked.output is not None:
                    asked.output.write_text(json.dumps(every, indent=1), encoding="utf-8")
        tables = next(iter(by_seed.values()))
        found = {
            table: {name: [each[table][name] for each in by_seed.values()] for name in gains}
            for table, gains in tables.items()
        }
        lines += [*table_of(way, found), ""]
    print("\n".join(lines))
    if asked.write:
        write_part(PAGE, "tuning", lines[:-1])


if __name__ == "__main__":
    main()
