"""The page of step times, from what was measured."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from _timing import Ratio

HEAD = """# What weightings cost

Made by `python benchmarks/weighting.py --write`.

Step of one shared network with a weighting ÷ the step of ramify's trainer with equal weights, in one process and in
turns, {rounds} passes over the batches, one thread, by the time that the thread computed: median, and the
quartiles where they are apart. `mlp` is the network 64-256-256-256 with batches of 128 rows, `cnn` has three
convolutions and a dense layer for 64 pictures of 32 by 32; a fifth of the labels are missing. Aims: at most 1.15 for
weightings of losses, and at most 2 at 40 tasks and 6 at 200 for those of gradients at the features, which is what
ramify does by default.

Below ramify's own rows, "PyTorch by hand" is a training loop with plain summed losses, and the rules of other
libraries ({versions}) run on the same networks. They differentiate once per task with respect to all shared
parameters, as ramify does by choice ("all parameters"); these dear rows rest on few steps. LibMTL runs with three
changes that `benchmarks/speed.py` names; "at the features" is its `rep_grad=True`. "autogram" is TorchJD's form that
finds the Gram matrix alone, and "at our features" its rule in ramify's step.
"""
MISSING = "—"


def page_of(found: Mapping[str, Mapping[str, Ratio | str]], rounds: int) -> str:
    """The page.

    Args:
        found: By network and number of tasks, then by name; a text says why there is no ratio.
        rounds: Passes over the batches.
    """
    names = list(dict.fromkeys(name for each in found.values() for name in each))
    lines = [
        f"| | {' | '.join(found)} |",
        f"|---|{'--:|' * len(found)}",
        *(
            f"| {name if ' ' in name else f'`{name}`'} | "
            + " | ".join(_cell(each.get(name)) for each in found.values())
            + " |"
            for name in names
        ),
    ]
    faults = {
        name: value
        for each in found.values()
        for name, value in each.items()
        if isinstance(value, str)
    }
    head = HEAD.format(rounds=rounds, versions=_versions())
    notes = [f"- {name}: {why}" for name, why in faults.items()]
    said = ["", "Without a number:", "", *notes] if notes else []
    return "\n".join([head, *lines, *said]) + "\n"


def _cell(value: Ratio | str | None) -> str:
    if value is None or isinstance(value, str):
        return MISSING
    middle, low, high = map(_number, (value.median, value.low, value.high))
    return middle if low == high == middle else f"{middle} ({low} to {high})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 5 else f"{value:.2f}"


def _versions() -> str:
    return ", ".join(f"{each} {_version(each)}" for each in ("torch", "TorchJD", "LibMTL"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
