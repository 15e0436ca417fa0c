"""A synthetic run record with any tasks, tree and outcome."""

import numpy as np

from ramify.records import (
    AffinityInfo,
    Baseline,
    CurvePoint,
    DataInfo,
    Difference,
    GroupStability,
    PathStep,
    RunRecord,
    Scores,
    SharingInfo,
    TaskInfo,
    TaskLabels,
    TaskScore,
    TreeInfo,
)

Stages = list[list[list[str]]]

_METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}


def stages_of(names: list[str], places: tuple[list[list[int]], ...]) -> Stages:
    return [[[names[i] for i in group] for group in stage] for stage in places]


def random_stages(names: list[str], n_groups: list[int], seed: int = 0) -> Stages:
    """Nested groups of very different sizes."""
    rng = np.random.default_rng(seed)
    stages: Stages = []
    groups = [list(names)]
    for wanted in n_groups:
        while len(groups) < wanted:
            largest = max(range(len(groups)), key=lambda g: len(groups[g]))
            group = groups.pop(largest)
            cut = int(rng.integers(1, len(group)))
            groups += [group[:cut], group[cut:]]
        stages.append([list(group) for group in groups])
    return stages


def _scores(tasks: list[TaskInfo], values: list[float], absent: set[int]) -> list[TaskScore]:
    return [
        TaskScore(
            task=task.name,
            metric=task.metric,
            value=None if i in absent else value,
            n_labels=0 if i in absent else 600 + i,
            low=None if i in absent else value - 0.03,
            high=None if i in absent else value + 0.03,
            note="no label among the test rows" if i in absent else "",
        )
        for i, (task, value) in enumerate(zip(tasks, values, strict=True))
    ]


def baseline(
    tasks: list[TaskInfo],
    values: list[float],
    gains: list[float],
    *,
    absent: set[int],
    stages: Stages,
    half_width: float | None,
    parameters: int,
) -> Baseline:
    """A network that is worse than the tree by ``gains``, with intervals around the differences."""
    theirs = [v - g for v, g in zip(values, gains, strict=True)]
    scores = _scores(tasks, theirs, absent)
    kept = [g for i, g in enumerate(gains) if i not in absent]
    value = float(np.mean(kept)) if kept else None
    return Baseline(
        scores=Scores(test=scores, validation=scores),
        differences=[
            _difference(t.name, None if i in absent else g, 0.012)
            for i, (t, g) in enumerate(zip(tasks, gains, strict=True))
        ],
        mean_difference=_difference("", value, half_width),
        delta_m=None if value is None else 100 * value,
        parameters=parameters,
        flops=2 * parameters,
        seconds=41.5,
        stages=stages,
    )


def _difference(task: str, value: float | None, half_width: float | None) -> Difference:
    if value is None or half_width is None:
        return Difference(task=task, value=value, low=None, high=None)
    low, high, clear = value - half_width, value + half_width, abs(value) > half_width
    return Difference(task=task, value=value, low=low, high=high, clear=clear)


def record(
    names: list[str],
    stages: Stages,
    *,
    kinds: tuple[str, ...] = ("binary",),
    gain: float = 0.017,
    half_width: float | None = 0.013,
    against_shared: float = 0.002,
    absent: set[int] | None = None,
    baselines: tuple[str, ...] = ("single_task", "shared", "random_tree"),
    warnings: list[str] | None = None,
    seed: int = 0,
) -> RunRecord:
    """A run whose tree beats one network per task by ``gain`` on average."""
    rng = np.random.default_rng(seed)
    n, gone = len(names), absent or set()
    tasks = [
        TaskInfo(
            name=name,
            kind=kinds[i % len(kinds)],
            metric=_METRICS[kinds[i % len(kinds)]],
            higher_is_better=kinds[i % len(kinds)] != "regression",
        )
        for i, name in enumerate(names)
    ]
    values = rng.uniform(0.65, 0.9, n).tolist()
    one, apart = [[list(names)]] * len(stages), [[[name] for name in names]] * len(stages)
    shapes = {"single_task": apart, "shared": one, "random_tree": stages}
    means = {"single_task": gain, "shared": against_shared, "random_tree": 0.009}
    sizes = {"single_task": 186_000 * n, "shared": 190_000, "random_tree": 742_118}
    trained = {}
    for name in baselines:
        gains = rng.normal(0, 0.018, n)
        gains += means[name] - np.delete(gains, sorted(gone)).mean() if len(gone) < n else 0
        trained[name] = baseline(
            tasks,
            values,
            gains.tolist(),
            absent=gone,
            stages=shapes[name],
            half_width=half_width,
            parameters=sizes[name],
        )
    scores = _scores(tasks, values, gone)
    return RunRecord(
        created="2026-03-14T09:26:53Z",
        tasks=tasks,
        sharing=SharingInfo(
            name="fully-adaptive",
            label="a tree learned in training",
            structure="tree",
            settings={"affinity": "agreement", "alpha": None},
        ),
        tree=TreeInfo(stages=stages),
        path=_path(names, stages),
        affinity=_affinity(names, stages, rng),
        stability=[
            GroupStability(
                stage=s, tasks=group, stability=round(float(rng.uniform(0.4, 1)), 3), trainings=3
            )
            for s, stage in enumerate(stages)
            if len(stage) > 1
            for group in stage
        ],
        scores=Scores(test=scores, validation=scores),
        baselines=trained,
        delta_m=trained["single_task"].delta_m if "single_task" in trained else None,
        parameters=742_118,
        flops=1_484_236,
        seconds={"growing": 31.2, "final": 12.5, "total": 96.4},
        versions={"ramify": "0.1.0", "torch": "2.13.0", "python": "3.11.7"},
        seed=7,
        data=_data(names),
        curves=_curves(len(stages)),
        settings={"epochs": 30, "batch_size": 256, "learning_rate": 0.001, "hidden": [512, 256]},
        warnings=warnings
        if warnings is not None
        else ["2 columns hold one value only and were left out."],
        command="ramify fit tox21.csv --targets 'NR-*,SR-*' --seed 7 --output run",
    )


def _affinity(
    names: list[str], stages: Stages, rng: np.random.Generator
) -> dict[str, AffinityInfo]:
    n = len(names)
    same = np.zeros((n, n))
    place = {name: i for i, name in enumerate(names)}
    for stage in stages:
        for group in stage:
            at = [place[name] for name in group]
            same[np.ix_(at, at)] += 1 / len(stages)
    found = {}
    for key, scale in (("agreement", 0.5), ("gradient cosine", 0.9)):
        noise = rng.normal(0, 0.12, (n, n))
        matrix = np.clip(scale * same - 0.15 + (noise + noise.T) / 2, -1, 1).round(4)
        np.fill_diagonal(matrix, 1)
        rows: list[list[float | None]] = [[float(v) for v in row] for row in matrix]
        if n > 3:
            rows[0][3] = rows[3][0] = None
        found[key] = AffinityInfo(
            tasks=list(names),
            matrix=rows,
            used=key == "agreement",
            description="How often two tasks find the same rows easy, corrected for chance.",
        )
    return found


def _path(names: list[str], stages: Stages) -> list[PathStep]:
    apart = [[[name] for name in names]] * len(stages)
    trees = [[[list(names)]] * len(stages), stages, [*stages[:-1], apart[0]], apart]
    sizes, separations = [190_000, 742_118, 1_302_000, 186_000 * len(names)], [0.71, 0.32, 0.2, 0.0]
    ends = [0.0, 0.031, 0.12, 0.8]
    return [
        PathStep(
            alpha_low=ends[3 - i],
            alpha_high=None if i == 0 else ends[4 - i],
            stages=tree,
            parameters=sizes[i],
            flops=2 * sizes[i],
            separation=separations[i],
            validation_score=None if i == 2 else 0.79 + 0.01 * (i == 1),
            chosen=i == 1,
        )
        for i, tree in enumerate(trees)
    ]


def _curves(n_stages: int) -> list[CurvePoint]:
    phases = {"growing": 30, "candidate 1": 20, "candidate 2": 20, "shared": 25, "single_task": 25}
    return [
        CurvePoint(
            phase=phase,
            epoch=e,
            loss=0.25 + 0.4 / e + 0.05 * p / (e + 1),
            validation_score=None if e % 10 == 9 else 0.8 - 0.2 / (e + p),
            widths=[1] * (n_stages - 1) + [1 if e < 12 or phase != "growing" else 5],
        )
        for p, (phase, n) in enumerate(phases.items())
        for e in range(1, n + 1)
    ]


def _data(names: list[str]) -> DataInfo:
    return DataInfo(
        source="tox21.csv",
        rows={"train": 6264, "validation": 783, "test": 784},
        features={"numeric": 801, "boolean": 12, "categorical": 3, "encoded": 831},
        left_out={"smiles": "ignored on request", "empty": "holds nothing"},
        labels=[
            TaskLabels(
                task=name,
                train=5000 - 37 * (i % 90),
                validation=620 - i % 90,
                test=600 - i % 90,
                summary=f"{4 + i % 12} % positive",
            )
            for i, name in enumerate(names)
        ],
        split="by scaffold, 80:10:10, seed 7",
    )
