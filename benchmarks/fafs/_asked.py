"""The options of `reproduce.py`, and what can be wrong with them before anything is read."""

import argparse
import math
from pathlib import Path

from _published import SIDE

from ramify import InputError
from ramify.sharing import FullyAdaptive

_OF_FILES = ("celeba", "deepfashion", "joint")
_LEAST = {
    "full_width": 1,
    "size": 1,
    "train": 3,
    "test": 1,
    "iterations": 1,
    "interval": 1,
    "epochs": 1,
    "batch_size": 2,  # a batch norm needs two rows
    "shift": 0,
    "seeds": 1,
    "threads": 1,
}


def parser(description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description)
    names = ("celeba", "deepfashion", "joint", "fashion-mnist", "cmu-faces")
    made.add_argument("--data", choices=names, required=True)
    made.add_argument("--root", type=Path, nargs="+", required=True)
    made.add_argument("--targets", nargs="*", help="by default those of the data set")
    made.add_argument("--preset", choices=("paper", "small"), default="paper")
    made.add_argument(
        "--rows",
        nargs="*",
        choices=("low-rank", "thin", "random", "long", "single", "none"),
        default=["low-rank", "thin", "random"],
        help="beside the wide and the branched networks",
    )
    made.add_argument("--widths", type=int, nargs="*", default=[32])
    made.add_argument("--alphas", type=float, nargs="*", default=[2.0])
    made.add_argument("--full-width", type=int, help="of the wide network; VGG-16's own by default")
    made.add_argument(
        "--size",
        type=int,
        help="side of the images; of files by default 224, or 64 with the small preset",
    )
    made.add_argument("--train", type=int, help="at most so many training images")
    made.add_argument("--test", type=int, help="at most so many test images")
    made.add_argument("--iterations", type=int, default=60_000, help="steps of the paper's preset")
    made.add_argument("--interval", type=int, default=1000, help="steps between tests for a split")
    made.add_argument("--epochs", type=int, default=12, help="of the small preset")
    made.add_argument("--learning-rate", type=float, default=2e-3, help="of the small preset")
    made.add_argument("--batch-size", type=int, default=32)
    made.add_argument("--shift", type=int, default=0)
    made.add_argument("--flip", action="store_true")
    made.add_argument("--seeds", type=int, default=1)
    made.add_argument("--device", default="auto")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--ablations", action="store_true")
    made.add_argument("--output", type=Path, help="JSON file for the rows")
    return made


def parsed(made: argparse.ArgumentParser, words: list[str] | None = None) -> argparse.Namespace:
    """The options, with the side of the paper's images where none is given."""
    asked = made.parse_args(words)
    if asked.size is None and asked.preset == "paper" and asked.data in _OF_FILES:
        asked.size = SIDE
    return asked


def check(asked: argparse.Namespace) -> None:
    """Check the options, for training takes long before some of them are used.

    Raises:
        InputError: If one is out of range.
    """
    _check_roots(asked.data, asked.root)
    for name, least in _LEAST.items():
        _check_least(_flag(name), getattr(asked, name), least)
    for width in asked.widths:
        _check_least("--widths", width, 1)
        if width > (asked.full_width or math.inf):
            raise InputError(
                f"--widths must be at most --full-width, {asked.full_width}. Got {width}"
            )
        for alpha in asked.alphas:
            FullyAdaptive.paper(width, alpha, interval=asked.interval)
    if asked.output is not None and (asked.output.is_dir() or not asked.output.parent.is_dir()):
        raise InputError(f"--output must be a file in a folder that exists. Got {asked.output}")


def _check_roots(data: str, roots: list[Path]) -> None:
    n_roots = 2 if data == "joint" else 1
    if len(roots) != n_roots:
        raise InputError(f"--root must name {n_roots} for --data {data}. Got {len(roots)}")
    for root in roots:
        if not root.is_dir():
            raise InputError(f"--root must name folders. No folder at {root}")


def in_options(message: str, asked: argparse.Namespace) -> str:
    """Call the arguments that a message names as they are typed."""
    for name in vars(asked):
        message = message.replace(f"`{name}`", _flag(name))
    return " ".join(message.replace("`alpha`", "--alphas").split())


def _check_least(option: str, given: int | None, least: int) -> None:
    if given is not None and given < least:
        raise InputError(f"{option} must be {least} or more. Got {given}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
