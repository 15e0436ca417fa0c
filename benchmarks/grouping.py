"""Partitions of tasks graded against the truth: every subset really trained, by others and by ourselves.

    python benchmarks/grouping.py published                  # predictors against what others trained
    python benchmarks/grouping.py own sarcos rf1 --seeds 3    # truths of our own, by one stacked training

Needs RAMIFY_DATA, the folder of the data sets.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from suite_data import SETS, written

from ramify.affinity import ErrorMarginAffinity
from ramify.data import ColumnSplit, open_table
from ramify.grouping import (
    TrialScores,
    best_cover,
    grouping_options,
    pair_gains,
    score_of,
)
from ramify.networks import MLPSpec
from ramify.runs import Options, TableInputs, prepare
from ramify.stacked import (
    FoldTraining,
    SubsetLosses,
    SubsetRows,
    TaskEffects,
    fit_subsets,
    shared_margins,
    task_effects,
)

Array = NDArray[np.float64]
Subset = tuple[int, ...]
Groups = tuple[Subset, ...]
Row = dict[str, Any]

Made = TypeVar("Made")
DATA: Final = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
SIDES: Final = ("train", "validation", "test")
STANDLEY: Final = ("", "_large", "_small_data", "_alt")


def every_subset(n: int) -> list[Subset]:
    return [s for k in range(1, n + 1) for s in itertools.combinations(range(n), k)]


def every_partition(n: int) -> list[Groups]:
    if n == 0:
        return [()]
    found: list[Groups] = []
    for rest in every_partition(n - 1):
        found += [(*rest[:i], (*rest[i], n - 1), *rest[i + 1 :]) for i in range(len(rest))]
        found.append((*rest, (n - 1,)))
    return found


class Truth:
    """Scores of each task in each subset, and what partitions of them are worth."""

    def __init__(self, scores: Mapping[Subset, Array], n_tasks: int) -> None:
        self.subsets = list(scores)
        self.scores = np.stack([scores[s] for s in self.subsets])
        self.n_tasks = n_tasks
        self.place = {s: i for i, s in enumerate(self.subsets)}
        self.partitions = every_partition(n_tasks)
        self.worth = np.array([self.of(p) for p in self.partitions])

    def of(self, groups: Groups) -> float:
        """Mean score of the tasks."""
        return score_of(tuple(tuple(sorted(g)) for g in groups), self.place, self.scores)

    def grade(self, groups: Groups, most: int) -> Row:
        """Regret as a share of what chance loses, and the rank among partitions as small."""
        few = np.array([len(p) <= most for p in self.partitions])
        worth, own = self.worth[few], self.of(groups)
        return {
            "score": own,
            "regret": (worth.max() - own) / (worth.max() - worth.mean()),
            "rank": int((worth > own + 1e-12).sum()) + 1,
            "of": int(few.sum()),
        }

    def shaped(self, groups: Groups) -> float:
        """Mean score of all partitions of the same sizes."""
        sizes = sorted(map(len, groups))
        same = [sorted(map(len, p)) == sizes for p in self.partitions]
        return float(self.worth[same].mean())


def promised(gains: Array, n: int) -> Truth:
    """What pairs promise of every subset: the mean gain of a task by each of the others."""
    found = {}
    for s in every_subset(n):
        row = np.full(n, np.nan)
        for t in s:
            others = [j for j in s if j != t]
            row[t] = gains[t, others].mean() if others else 0.0
        found[s] = row
    return Truth(found, n)


def standley(suffix: str, side: str) -> dict[Subset, Array]:
    """Negative losses of every subset of five tasks."""
    text = (DATA / "grouping_truth" / f"standley_results{suffix}{side}.txt").read_text()
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("\t")]
        values = np.array([float(c) if c else np.nan for c in (*cells, *[""] * 5)[:5]])
        subset = tuple(np.flatnonzero(~np.isnan(values)).tolist())
        if subset:
            found.setdefault(subset, -values)
    return {s: found[s] for s in sorted(found, key=lambda s: (len(s), s))}


def published() -> list[Row]:
    """Predictors against what others trained."""
    rows = []
    for suffix in STANDLEY:
        validation, test = (Truth(standley(suffix, side), 5) for side in ("", "_test"))
        hoa = promised(pair_gains(validation.subsets, validation.scores), 5)
        rows += graded(f"Standley{suffix}", test, {"validation truth": validation, "pairs": hoa}, 3)
        covers = {n: best_cover(test.subsets, test.scores, n) for n in (1, 2, 3)}
        total = np.nanmax(test.scores[list(covers[3])], axis=0).sum()
        rows.append({"set": f"Standley{suffix}", "by": "overlapping, oracle", "score": total / 5})
    folder = DATA / "grouping_truth"
    x = np.loadtxt(folder / "ETTm1_x.csv", ndmin=2).astype(bool)
    sources = {
        name: np.loadtxt(folder / f"ETTm1_{name}.csv", ndmin=2)
        for name in ("y", "val_y", "HOA", "TAG_HOA")
    }
    truths = {
        name: Truth(
            {
                tuple(np.flatnonzero(m).tolist()): np.where(m, v, np.nan)
                for m, v in zip(x, values, strict=True)
            },
            7,
        )
        for name, values in sources.items()
    }
    names = {"validation truth": "val_y", "pairs": "HOA", "look-ahead": "TAG_HOA"}
    by = {word: truths[name] for word, name in names.items()}
    for most in (2, 4):
        rows += graded("ETTm1", truths["y"], by, most)
    rows += mimic(folder)
    return rows


def graded(name: str, test: Truth, by: Mapping[str, Truth], most: int) -> list[Row]:
    few = [w for p, w in zip(test.partitions, test.worth, strict=True) if len(p) <= most]
    common = {
        "set": f"{name}, at most {most} groups",
        "oracle": max(few),
        "random": float(np.mean(few)),
    }
    rows = []
    for word, predicted in by.items():
        chosen = max((p for p in predicted.partitions if len(p) <= most), key=predicted.of)
        own = np.array([predicted.scores[predicted.place[s]] for s in test.subsets])
        large = np.array([len(s) > 2 for s in test.subsets])
        shown = ~np.isnan(test.scores[large])
        rows.append(
            {
                **common,
                "by": word,
                **test.grade(chosen, most),
                "rank correlation": float(
                    spearmanr(own[large][shown], test.scores[large][shown])[0]
                )
                if name == "ETTm1"
                else None,
            }
        )
    everyone = tuple(range(test.n_tasks))
    for word, groups in {
        "all in one": (everyone,),
        "singles": tuple((t,) for t in everyone),
    }.items():
        rows.append({**common, "by": word, "score": test.of(groups)})
    return rows


def mimic(folder: Path) -> list[Row]:
    """3,185 of the subsets of 27 tasks: rank correlations only, for no partition is all trained."""

    def read(name: str) -> Array:
        return (
            pl.read_csv(folder / f"mimic_{name}.csv.gz", separator=" ", has_header=False)
            .to_numpy()
            .astype(float)
        )

    x, y = read("x").astype(bool), read("y_test")
    large = x & (x.sum(axis=1, keepdims=True) > 2)
    words = {"validation truth": "y_valid", "pairs": "HOA", "look-ahead": "TAGHOA"}
    return [
        {
            "set": "MIMIC",
            "by": word,
            "rank correlation": float(spearmanr(read(name)[large], y[large])[0]),
        }
        for word, name in words.items()
    ]


class OwnSet:
    """A set of ours: its rows, and how networks of it are trained."""

    def __init__(self, name: str, split: int, n_seeds: int, width: int, folder: Path) -> None:
        self.name, self.split, self.seeds = name, split, range(n_seeds)
        table = open_table(written(SETS[name], DATA, folder))
        options = Options(
            targets=["t_*"], ignore=["split*"], split=ColumnSplit(f"split{split}"), seed=split
        )
        prepared = prepare(table, options)
        assert isinstance(prepared.inputs, TableInputs)
        self.tasks, self.n = prepared.tasks, len(prepared.tasks)
        parts = [torch.from_numpy(np.asarray(getattr(prepared.split, side))) for side in SIDES]
        self.train, *self.judged = parts
        encoded = prepared.inputs.encoded.float()
        self.rows = SubsetRows(encoded, prepared.targets, prepared.label_mask, *parts[:2])
        stages = MLPSpec((width, width)).completed(prepared.facts)
        self.settings = FoldTraining(
            (width, width),
            stages.dropout or 0.0,
            stages.input_dropout or 0.0,
            learning_rate=1e-3 if prepared.inputs.are_bits else 2e-3,
        )

    def truth(self) -> SubsetLosses:
        """Every subset, trained."""
        subsets = every_subset(self.n)
        return fit_subsets(
            self.rows, self.tasks, subsets, self.judged, self.settings, seeds=self.seeds
        )

    def effects(self) -> TaskEffects:
        """Look-ahead and cosines of gradients."""
        return task_effects(self.rows, self.tasks, self.settings, seeds=self.seeds)

    def margins(self) -> Array:
        """The affinity that `ramify fit` groups by, of the same network."""
        margins = shared_margins(self.rows, self.tasks, self.train, self.settings, seeds=self.seeds)
        affinity, mask = ErrorMarginAffinity(self.n, decay=1.0), self.rows.label_mask[self.train]
        order = torch.randperm(len(margins), generator=torch.Generator().manual_seed(0))
        for part in torch.split(order, 128):
            affinity.update(margins[part], mask[part])
        return affinity.corrected().numpy()


def timed(make: Callable[[], Made]) -> tuple[Made, float]:
    """What is made, and the seconds of computing that it took."""
    started = time.process_time()
    return make(), time.process_time() - started


def own(data: OwnSet) -> list[Row]:
    """Partitions that predictors choose, graded by every subset trained and tested."""
    trained, of_truth = timed(data.truth)
    validation, test = (_truth(trained, k) for k in (0, 1))
    effects, of_effects = timed(data.effects)
    affinity, of_margins = timed(data.margins)
    trees = {len(o.groups): o.groups for o in grouping_options(affinity)}
    gains = pair_gains(validation.subsets, validation.scores)
    by = {
        "validation": (validation, of_truth),
        "pairs": (promised(gains, data.n), of_truth),
        "look-ahead": (promised(effects.look_ahead.numpy(), data.n), of_effects),
        "cosine": (promised(effects.cosine.numpy(), data.n), of_effects),
    }
    found = []
    for k in range(2, min(4, data.n)):
        same = [p for p in test.partitions if len(p) == k]
        for word, (truth, seconds) in by.items():
            row = _graded_own(test, max(same, key=truth.of), same)
            found.append({"by": word, "seconds": seconds, **row})
        row = _graded_own(test, trees[k], same)
        found.append({"by": "error margins", "seconds": of_margins, **row})
    each = [_truth(trained, 1, seed).worth for seed in range(len(data.seeds))]
    common = {
        "set": data.name,
        "split": data.split,
        "one network": test.of((tuple(range(data.n)),)),
        "singles": test.of(tuple((t,) for t in range(data.n))),
        "spread of partitions": float(np.std(test.worth)),
        "spread of seeds": float(np.mean(np.std(each, axis=0))),
    }
    return [common | row for row in found]


def _graded_own(test: Truth, groups: Groups, same: Sequence[Groups]) -> Row:
    """A partition among those into as many groups; regret as a share of what chance loses."""
    worth, score = np.array([test.of(p) for p in same]), test.of(groups)
    return {
        "groups": len(groups),
        "score": score,
        "oracle": float(worth.max()),
        "random": float(worth.mean()),
        "regret": float((worth.max() - score) / max(worth.max() - worth.mean(), 1e-12)),
        "over its shape": score - test.shaped(groups),
        "rank": int((worth > score + 1e-12).sum()) + 1,
        "of": len(same),
        "partition": [list(group) for group in groups],
    }


def _truth(trained: SubsetLosses, side: int, seed: int | None = None) -> Truth:
    """Explained shares of the loss on a side; the mean over seeds, or one seed's."""
    losses = trained.losses.mean(axis=0) if seed is None else trained.losses[seed]
    start, counts = trained.start[:, side : side + 1], trained.counts[:, side : side + 1]
    scores = TrialScores(trained.subsets, losses[:, :, side : side + 1], start, counts).explained()
    return Truth(dict(zip(trained.subsets, scores, strict=True)), len(start))


def summary(rows: Sequence[Row]) -> list[Row]:
    """Mean regret of each predictor over sets and splits, for each number of groups."""
    found = []
    for k in (2, 3):
        here = [row for row in rows if row["groups"] == k]
        for word in dict.fromkeys(row["by"] for row in here):
            own_rows = [row for row in here if row["by"] == word]
            regret = np.array([row["regret"] for row in own_rows])
            found.append(
                {
                    "groups": k,
                    "by": word,
                    "mean regret": float(regret.mean()),
                    "standard error": float(regret.std(ddof=1) / len(regret) ** 0.5)
                    if len(regret) > 1
                    else None,
                    "at most .25": f"{(regret <= 0.25).sum()} of {len(regret)}",
                    "above its shape": f"{sum(r['over its shape'] > 0 for r in own_rows)} of {len(own_rows)}",
                }
            )
    return found


def shown(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print a table."""
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in ([*columns], *cells):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["published", "own"])
    parser.add_argument("sets", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--folder", type=Path, default=Path("suite/data"))
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what == "published":
        rows = published()
        shown(
            rows,
            ["set", "by", "score", "oracle", "random", "regret", "rank", "of", "rank correlation"],
        )
    else:
        rows = []
        for name in asked.sets:
            for split in range(asked.splits):
                more = own(OwnSet(name, split, asked.seeds, asked.width, asked.folder))
                shown(
                    more,
                    [
                        "set",
                        "split",
                        "groups",
                        "by",
                        "score",
                        "oracle",
                        "random",
                        "one network",
                        "singles",
                        "regret",
                        "over its shape",
                        "rank",
                        "of",
                        "seconds",
                    ],
                )
                rows += more
        print()
        shown(
            summary(rows),
            ["groups", "by", "mean regret", "standard error", "at most .25", "above its shape"],
        )
    if asked.output is not None:
        asked.output.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
