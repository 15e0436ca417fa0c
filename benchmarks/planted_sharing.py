"""How often each way of sharing beats separate networks on data that is made for it.

    python benchmarks/planted_sharing.py [SETS] [--ways WAY …] [--seeds 10] [--output planted.json]
    python benchmarks/planted_sharing.py --output planted.json --seeds 0 --write   # the page

Every set has a structure that is known: one common direction, groups of tasks, directions in a
small subspace, a hard task made of easy ones, tasks of unequal noise. It has 300 training rows, of
whose labels a task has 30 %; that of unequal noise has 1,000 with all labels, for in fewer the
noise does not show: a network learns them by heart. Each way of sharing with its default settings
is trained on the set that it is meant for, once per seed, which draws the data anew; it wins a seed
if its mean skill on 1,000 test rows is above that of one network per task. A weighting does so with
one shared network, whose gain with equal weights stands beside it. Results of seeds that the output
file holds already are kept. The default settings come from other seeds: `planted_tuning.py`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify.comparison import compare
from ramify.grouping import Shuffled, Similarity, apart, together
from ramify.records import ComparisonRecord
from ramify.sharing import (
    CGC,
    MTAN,
    PLE,
    CrossStitch,
    Factorised,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    SelectiveSharing,
    Sharing,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import SharingTree
from ramify.training import Training
from ramify.weighting import Uncertainty, Weighting

Array = NDArray[np.float64]
Maker = Callable[[int], Sharing]

FEATURES, N_TASKS, N_GROUPS = 24, 9, 3
TRAIN, PLENTY, HELD_OUT, TEST = 300, 1000, 200, 1000
WIDTHS, EPOCHS, BATCH, RATE = (48, 48), 60, 50, 3e-3
NOISE, KNOWN = 0.5, 0.3
ENOUGH = 0.9
EQUAL = "one network, equal weights"
PAGE = Path(__file__).parent.parent / "docs" / "results" / "planted.md"


def unit(directions: Array) -> Array:
    """Columns of length 1."""
    found: Array = directions / np.linalg.norm(directions, axis=0)
    return found


def table(
    x: Array, targets: Array, rng: np.random.Generator, known: float | Array = KNOWN
) -> pl.DataFrame:
    """A table with its split, and labels taken away at random from the training rows."""
    sides = np.repeat(["train", "validation", "test"], [len(x) - HELD_OUT - TEST, HELD_OUT, TEST])
    kept = (rng.random(targets.shape) < known) | (sides != "train")[:, None]
    columns = {f"x{j:02d}": x[:, j] for j in range(x.shape[1])}
    columns |= {f"t{t}": np.where(kept[:, t], y, np.nan) for t, y in enumerate(targets.T)}
    return pl.DataFrame(columns).fill_nan(None).with_columns(side=pl.Series(sides))


def inputs(rng: np.random.Generator, train: int = TRAIN, features: int = FEATURES) -> Array:
    """Rows of standard normal features."""
    return rng.standard_normal((train + HELD_OUT + TEST, features))


def noisy(signal: Array, rng: np.random.Generator, noise: float | Array = NOISE) -> Array:
    """Signals in units of their own spread, with noise."""
    found: Array = signal / signal.std(axis=0) + noise * rng.standard_normal(signal.shape)
    return found


def one_group(seed: int, train: int = TRAIN) -> pl.DataFrame:
    """Nine numbers tanh(2 x·u), all u near one direction."""
    rng = np.random.default_rng([seed, 0])
    x = inputs(rng, train)
    own = rng.standard_normal((FEATURES, N_TASKS))
    directions = unit(unit(rng.standard_normal((FEATURES, 1))) + 0.3 * unit(own))
    return table(x, noisy(np.tanh(2 * x @ directions), rng), rng)


def groups(seed: int) -> pl.DataFrame:
    """Three groups of three numbers tanh(2 x·u), u near that of the group."""
    rng = np.random.default_rng([seed, 1])
    x = inputs(rng)
    common = np.repeat(unit(rng.standard_normal((FEATURES, N_GROUPS))), N_TASKS // N_GROUPS, 1)
    own = unit(rng.standard_normal((FEATURES, N_TASKS)))
    return table(x, noisy(np.tanh(2 * x @ unit(common + 0.2 * own)), rng), rng)


def opposed(seed: int, train: int = TRAIN) -> pl.DataFrame:
    """Nine numbers that rise or fall along two common directions."""
    rng = np.random.default_rng([seed, 2])
    x = inputs(rng, train)
    common = unit(rng.standard_normal((FEATURES, 2)))
    signs = rng.choice([-1.0, 1.0], (2, N_TASKS))
    strengths = signs * rng.uniform(0.5, 1.5, (2, N_TASKS))
    return table(x, noisy(np.tanh(2 * x @ common) @ strengths, rng), rng)


def subspace(seed: int, train: int = TRAIN) -> pl.DataFrame:
    """Nine numbers tanh(2 x·w), w = B s with three bases."""
    rng = np.random.default_rng([seed, 3])
    x = inputs(rng, train)
    bases, mixtures = rng.standard_normal((FEATURES, 3)), rng.standard_normal((3, N_TASKS))
    return table(x, noisy(np.tanh(2 * x @ unit(bases @ mixtures)), rng), rng)


def low_and_high(seed: int) -> pl.DataFrame:
    """Two easy answers, signs of x·u and x·v, and a hard one: whether they differ."""
    rng = np.random.default_rng([seed, 4])
    x = inputs(rng, features=10)
    low = x @ unit(rng.standard_normal((10, 2))) > 0
    labels = np.column_stack([low, low[:, 0] ^ low[:, 1]]).astype(float)
    return table(x, labels, rng, np.array([1.0, 1.0, 0.5]))


def unequal_noise(seed: int, train: int = PLENTY) -> pl.DataFrame:
    """Six numbers that depend on x in the same way, three of them with ten times the noise."""
    rng = np.random.default_rng([seed, 5])
    x = inputs(rng, train)
    signal = np.tanh(2 * x @ unit(rng.standard_normal((FEATURES, 3)))) @ rng.standard_normal((3, 1))
    targets = noisy(np.repeat(signal, 6, axis=1), rng, np.repeat([0.3, 3.0], 3))
    return table(x, targets, rng, known=1.0)


def planted_tree(_seed: int) -> Sharing:
    """The three groups, from the first stage on."""
    names = [f"t{t}" for t in range(N_TASKS)]
    each = tuple(tuple(names[i : i + 3]) for i in range(0, N_TASKS, 3))
    return FixedTree(SharingTree(tuple(names), (each,) * len(WIDTHS)))


@dataclass(frozen=True)
class Planted:
    """A planted structure and what is meant for it.

    Attributes:
        make: The table of a seed.
        ways: Ways of sharing that must beat separate networks.
        weightings: Weightings with which one shared network must beat them.
        kind: Of the tasks.
    """

    make: Callable[[int], pl.DataFrame]
    ways: dict[str, Maker] = field(default_factory=dict)
    weightings: dict[str, Weighting] = field(default_factory=dict)
    kind: str = "regression"


def made(build: Callable[[], Sharing]) -> Maker:
    """A way of sharing that needs no seed."""
    return lambda _seed: build()


CONTROLS: dict[str, Maker] = {
    "selective:random": lambda seed: SelectiveSharing(Shuffled(Similarity(0.5), seed), seed=seed),
    "selective:all": made(partial(SelectiveSharing, together)),
    "selective:none": made(partial(SelectiveSharing, apart)),
}
"""What groups by likeness are compared with; these need not win."""

SETS: dict[str, Planted] = {
    "one group": Planted(
        one_group,
        {
            "hard": made(HardSharing),
            "soft": made(Soft),
            "cross-stitch": made(CrossStitch),
            "sluice": made(Sluice),
            "mtan": made(MTAN),
        },
    ),
    "groups": Planted(
        groups,
        {
            "tree": planted_tree,
            # An epoch of so few rows has six steps; 20 of them are as long as those of a real table.
            "fully-adaptive": lambda seed: FullyAdaptive(growing_epochs=20, seed=seed),
            "selective": lambda seed: SelectiveSharing(seed=seed),
            **CONTROLS,
            "mmoe": made(MMoE),
            "cgc": made(CGC),
            "ple": made(PLE),
        },
    ),
    "opposed": Planted(opposed, {"relationship": made(Relationship)}),
    "subspace": Planted(
        subspace,
        {
            "trace-norm": made(TraceNorm),
            "factorised": made(Factorised),
            "factorised:tucker": made(partial(Factorised, "tucker")),
            "factorised:tt": made(partial(Factorised, "tt")),
        },
    ),
    "low and high": Planted(
        low_and_high,
        {"low-level": made(partial(LowLevel, (("t0", 0), ("t1", 0))))},
        kind="binary",
    ),
    "unequal noise": Planted(unequal_noise, weightings={"uncertainty": Uncertainty()}),
}


def compared(
    planted: Planted,
    table: pl.DataFrame,
    seed: int,
    ways: Mapping[str, Maker],
    weightings: Mapping[str, Weighting],
    epochs: int = EPOCHS,
) -> ComparisonRecord:
    """All ways on one table."""
    record = compare(
        table,
        "t*",
        sharing=ways,
        weightings=weightings,
        seeds=[seed],
        kinds={"t*": planted.kind},
        split="column:side",
        hidden=WIDTHS,
        dropout=0.0,
        input_dropout=0.0,
        training=Training(epochs=epochs, learning_rate=RATE),
        batch_size=BATCH,
        trees=4,
    ).record
    if record.failures:
        raise RuntimeError(record.failures[0].reason)
    return record


def only(planted: Planted, names: Collection[str] | None) -> Planted:
    """The set with these ways and weightings alone; None for all."""
    if names is None:
        return planted
    ways = {name: make for name, make in planted.ways.items() if name in names}
    weightings = {name: rule for name, rule in planted.weightings.items() if name in names}
    return replace(planted, ways=ways, weightings=weightings)


def measured(planted: Planted, seed: int) -> dict[str, float]:
    """Gains in mean test skill of everything meant for one set."""
    record = compared(planted, planted.make(seed), seed, planted.ways, planted.weightings)
    tests = {method.name: method.test or np.nan for method in record.methods}
    found = {way: tests[way] - tests["single-task"] for way in planted.ways}
    for way in planted.weightings:
        found[way] = tests[f"hard + {way}"] - tests["single-task"]
        found[EQUAL] = tests["hard"] - tests["single-task"]
    return found


def table_of(every: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """What is known, as a table: gains of each set's ways by seed."""
    lines = [
        "| set | way of sharing | gain in mean test skill | seeds won | seeds |",
        "|---|---|--:|--:|---|",
    ]
    for name, ways in every.items():
        for way, gains in ways.items():
            values, seeds = list(gains.values()), sorted(int(seed) for seed in gains)
            spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
            mean = f"{np.mean(values):+.3f} ± {spread:.3f}"
            won = f"{sum(value > 0 for value in values)} of {len(values)}"
            lines.append(f"| {name} | {way} | {mean} | {won} | {seeds[0]} to {seeds[-1]} |")
    return lines


def fell_short(every: Mapping[str, Mapping[str, Mapping[str, float]]]) -> bool:
    """Whether something that must win lost too many seeds."""
    return any(
        sum(value > 0 for value in gains.values()) < ENOUGH * len(gains)
        for ways in every.values()
        for way, gains in ways.items()
        if way not in (EQUAL, *CONTROLS)
    )


def main() -> None:
    """Measure what was asked for, and print the table; fail if a way of sharing wins too rarely."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; or all")
    parser.add_argument("--ways", nargs="+", help="only these; by default all of a set")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=20, metavar="SEED", help="the first seed")
    parser.add_argument("--output", type=Path, help="JSON file for the results")
    parser.add_argument("--write", action="store_true", help="renew the page of results")
    asked = parser.parse_args()
    every: dict[str, dict[str, dict[str, float]]] = kept(asked.output)
    for name in asked.sets or SETS:
        for seed in range(asked.first, asked.first + asked.seeds):
            done = [way for way, gains in every.get(name, {}).items() if str(seed) in gains]
            planted = only(SETS[name], asked.ways)
            planted = only(planted, {*planted.ways, *planted.weightings}.difference(done))
            if not planted.ways and not planted.weightings:
                continue
            for way, gain in measured(planted, seed).items():
                every.setdefault(name, {}).setdefault(way, {})[str(seed)] = gain
            if asked.output is not None:
                asked.output.write_text(json.dumps(every, indent=1), encoding="utf-8")
    lines = table_of({name: every[name] for name in SETS if name in every})
    print("\n".join(lines))
    if asked.write:
        write_part(PAGE, "gains", lines)
    if fell_short(every):
        sys.exit(1)


def kept(output: Path | None) -> dict[str, Any]:
    """What an earlier run left in a JSON file; nothing if there is none."""
    if output is None or not output.exists():
        return {}
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def write_part(page: Path, part: str, lines: list[str]) -> None:
    """Renew the part of a page that stands between two marks."""
    text = page.read_text(encoding="utf-8")
    start, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    before, rest = text.split(start)
    after = rest.split(end)[1]
    page.write_text("\n".join([before + start, "", *lines, "", end]) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
