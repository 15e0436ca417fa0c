"""How often each way of sharing beats separate networks on data that is made for it.

    python benchmarks/planted_sharing.py [SETS] [--seeds 10] [--output planted_sharing.json]
    python benchmarks/planted_sharing.py --tune      # validation scores of other settings

Every set has 300 training rows, of whose labels a task has 30 %, and a structure that is known: one common direction, groups of
tasks, directions in a small subspace, a hard task made of easy ones, tasks of unequal noise. Each
way of sharing with its default settings is trained on the sets that it is meant for, once per
seed, which draws the data anew; it wins a seed if its mean skill on 1,000 test rows is above that
of one network per task. A weighting does so with one shared network. `--tune` looks at validation
rows only, of other seeds.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify.comparison import compare
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
TRAIN, HELD_OUT, TEST = 300, 200, 1000
WIDTHS, EPOCHS, BATCH, RATE = (48, 48), 60, 50, 3e-3
NOISE, KNOWN = 0.5, 0.3
TUNING_SEED = 100
ENOUGH = 0.9


def unit(directions: Array) -> Array:
    """Columns of length 1."""
    found: Array = directions / np.linalg.norm(directions, axis=0)
    return found


def table(
    x: Array, targets: Array, rng: np.random.Generator, known: float | Array = KNOWN
) -> pl.DataFrame:
    """A table with its split, and labels taken away at random from the training rows."""
    sides = np.repeat(["train", "validation", "test"], [TRAIN, HELD_OUT, TEST])
    kept = (rng.random(targets.shape) < known) | (sides != "train")[:, None]
    columns = {f"x{j:02d}": x[:, j] for j in range(x.shape[1])}
    columns |= {f"t{t}": np.where(kept[:, t], y, np.nan) for t, y in enumerate(targets.T)}
    return pl.DataFrame(columns).fill_nan(None).with_columns(side=pl.Series(sides))


def inputs(rng: np.random.Generator, features: int = FEATURES) -> Array:
    """Rows of standard normal features."""
    return rng.standard_normal((TRAIN + HELD_OUT + TEST, features))


def noisy(signal: Array, rng: np.random.Generator, noise: float | Array = NOISE) -> Array:
    """Signals in units of their own spread, with noise."""
    found: Array = signal / signal.std(axis=0) + noise * rng.standard_normal(signal.shape)
    return found


def one_group(seed: int) -> pl.DataFrame:
    """Nine numbers tanh(2 x·u), all u near one direction."""
    rng = np.random.default_rng([seed, 0])
    x = inputs(rng)
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


def opposed(seed: int) -> pl.DataFrame:
    """Nine numbers that rise or fall along two common directions."""
    rng = np.random.default_rng([seed, 2])
    x = inputs(rng)
    common = unit(rng.standard_normal((FEATURES, 2)))
    signs = rng.choice([-1.0, 1.0], (2, N_TASKS))
    strengths = signs * rng.uniform(0.5, 1.5, (2, N_TASKS))
    return table(x, noisy(np.tanh(2 * x @ common) @ strengths, rng), rng)


def subspace(seed: int) -> pl.DataFrame:
    """Nine numbers tanh(2 x·w), w = B s with three bases."""
    rng = np.random.default_rng([seed, 3])
    x = inputs(rng)
    bases, mixtures = rng.standard_normal((FEATURES, 3)), rng.standard_normal((3, N_TASKS))
    return table(x, noisy(np.tanh(2 * x @ unit(bases @ mixtures)), rng), rng)


def low_and_high(seed: int) -> pl.DataFrame:
    """Two easy answers, signs of x·u and x·v, and a hard one: whether they differ."""
    rng = np.random.default_rng([seed, 4])
    x = inputs(rng, 10)
    low = x @ unit(rng.standard_normal((10, 2))) > 0
    labels = np.column_stack([low, low[:, 0] ^ low[:, 1]]).astype(float)
    return table(x, labels, rng, np.array([1.0, 1.0, 0.5]))


def unequal_noise(seed: int) -> pl.DataFrame:
    """Six numbers that depend on x in the same way, three of them with ten times the noise."""
    rng = np.random.default_rng([seed, 5])
    x = inputs(rng)
    signal = np.tanh(2 * x @ unit(rng.standard_normal((FEATURES, 3)))) @ rng.standard_normal((3, 1))
    return table(x, noisy(np.repeat(signal, 6, axis=1), rng, np.repeat([0.3, 3.0], 3)), rng)


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

# What was tried beside the defaults, see --tune.
TUNED: dict[str, tuple[str, dict[str, Maker]]] = {
    "soft": ("one group", {f"soft:{a:g}": made(partial(Soft, a)) for a in (3, 10, 30, 100, 300)}),
    "trace-norm": (
        "subspace",
        {f"trace-norm:{a:g}": made(partial(TraceNorm, a)) for a in (0.01, 0.03, 0.1, 0.3, 1.0)},
    ),
    "relationship": (
        "opposed",
        {
            f"relationship:{a:g}-{k}": made(partial(Relationship, a, own_stages=k))
            for a in (1e-5, 1e-4, 1e-3, 1e-2)
            for k in (0, 1)
        },
    ),
    "sluice": (
        "one group",
        {
            f"sluice:{own:g}-{rate:g}-{overlap:g}": made(
                partial(Sluice, own=own, rate=rate, overlap=overlap)
            )
            for own in (0.5, 0.9)
            for rate in (1.0, 10.0)
            for overlap in (0.0, 0.01, 0.1)
        },
    ),
}


def compared(
    planted: Planted, seed: int, ways: Mapping[str, Maker], weightings: Mapping[str, Weighting]
) -> ComparisonRecord:
    """All ways on the table of one seed."""
    return compare(
        planted.make(seed),
        "t*",
        sharing=ways,
        weightings=weightings,
        seeds=[seed],
        kinds={"t*": planted.kind},
        split="column:side",
        hidden=WIDTHS,
        dropout=0.0,
        input_dropout=0.0,
        training=Training(epochs=EPOCHS, learning_rate=RATE),
        batch_size=BATCH,
        trees=4,
    ).record


@dataclass
class Wins:
    """One way of sharing on one set.

    Attributes:
        planted: The set.
        way: The way of sharing or the weighting.
        gains: In mean test skill, by seed.
    """

    planted: str
    way: str
    gains: list[float]

    @property
    def won(self) -> int:
        """Seeds with a gain above 0."""
        return sum(gain > 0 for gain in self.gains)


def measured(name: str, seeds: int) -> list[Wins]:
    """The gains of one set, seed by seed."""
    planted = SETS[name]
    gains: dict[str, list[float]] = {way: [] for way in (*planted.ways, *planted.weightings)}
    for seed in range(seeds):
        record = compared(planted, seed, planted.ways, planted.weightings)
        if record.failures:
            raise RuntimeError(record.failures[0].reason)
        tests = {method.name: method.test or np.nan for method in record.methods}
        for way in planted.ways:
            gains[way].append(tests[way] - tests["single-task"])
        for way in planted.weightings:
            gains[way].append(tests[f"hard + {way}"] - tests["single-task"])
    return [Wins(name, way, found) for way, found in gains.items()]


def tune(seeds: int) -> None:
    """Print validation gains of settings beside the defaults."""
    print("| way | set | setting | gain on validation rows | seeds won |\n|---|---|---|---|---|")
    for way, (name, settings) in TUNED.items():
        gains: dict[str, list[float]] = {each: [] for each in settings}
        for seed in range(TUNING_SEED, TUNING_SEED + seeds):
            record = compared(SETS[name], seed, settings, {})
            found = {method.name: method.validation or np.nan for method in record.methods}
            for each in settings:
                gains[each].append(found[each] - found["single-task"])
        for each, values in gains.items():
            won = sum(value > 0 for value in values)
            mean = f"{np.mean(values):+.3f} ± {np.std(values, ddof=1):.3f}"
            print(f"| {way} | {name} | {each} | {mean} | {won} of {seeds} |", flush=True)


def main() -> None:
    """Print the table; fail if a way of sharing wins too rarely."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; or all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tune", action="store_true", help="validation scores of other settings")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    chosen = parser.parse_args()
    if chosen.tune:
        tune(chosen.seeds)
        return
    started = time.monotonic()
    print("| set | way of sharing | gain in mean test skill | seeds won |\n|---|---|---|---|")
    every: list[Wins] = []
    for name in chosen.sets or SETS:
        for each in measured(name, chosen.seeds):
            every.append(each)
            spread = np.std(each.gains, ddof=1) if len(each.gains) > 1 else 0.0
            mean = f"{np.mean(each.gains):+.3f} ± {spread:.3f}"
            print(f"| {name} | {each.way} | {mean} | {each.won} of {chosen.seeds} |", flush=True)
    print(f"\n{time.monotonic() - started:.0f} s")
    if chosen.output:
        chosen.output.write_text(json.dumps([asdict(each) for each in every], indent=1))
    if any(each.won < ENOUGH * chosen.seeds for each in every):
        sys.exit(1)


if __name__ == "__main__":
    main()
